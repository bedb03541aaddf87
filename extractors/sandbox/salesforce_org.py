"""How the Salesforce org is set up: what its administrator chose besides objects and fields.

Kept in the store, so that tests and people can change it while the server runs.
"""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from extractors.sandbox.store import Store

_META = "salesforce_org"
_SELECT = re.compile(r"\s*SELECT\s+.+\s+FROM\s+(Organization|DuplicateRule)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Org:
    """`duplicate_rules` are names of active rules, with their object ("Standard:Account").

    With `view_only` the user may look at all records and change none. `hides_setup` makes the
    rules invisible to the user. `not_external` are fields ("Account.Q2C_Customer_Key__c") that
    were made without the flag External ID.
    """

    time_zone: str = "America/New_York"
    duplicate_rules: tuple[str, ...] = ()
    view_only: bool = False
    hides_setup: bool = False
    not_external: tuple[str, ...] = ()


def org(store: Store) -> Org:
    known: dict[str, Any] = store.meta(_META, {})
    values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in known.items()}
    return Org(**values)


def set_up_org(store: Store, **changes: Any) -> None:
    """Change some choices; the others stay."""
    store.set_meta(_META, asdict(replace(org(store), **changes)))


def setup_rows(store: Store, soql: str) -> list[dict[str, Any]] | None:
    """The answer to a query of the set-up; None where the query is of records."""
    found, known = _SELECT.match(soql), org(store)
    if found is None or (found[1].lower() == "duplicaterule" and known.hides_setup):
        return None
    if found[1].lower() == "organization":
        return [{"TimeZoneSidKey": known.time_zone}]
    rules = (rule.partition(":") for rule in known.duplicate_rules)
    return [{"DeveloperName": name, "SobjectType": kind} for name, _, kind in rules]


def as_the_user_sees(store: Store, described: dict[str, Any]) -> dict[str, Any]:
    """A description of an object with what this user may not, and what was left unset."""
    known = org(store)
    for field in described["fields"]:
        if known.view_only:
            field |= {"createable": False, "updateable": False}
        if f"{described['name']}.{field['name']}" in known.not_external:
            field["externalId"] = False
    return described
