"""How the NetSuite account is set up: what its administrator chose and every answer depends on.

Kept in the store, so that tests and people can change it while the server runs.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.store import Store

_META = "netsuite_account"


@dataclass(frozen=True)
class Account:
    """Preferences and features.

    `date_format` and `number_format` shape what leaves a query unformatted; times are told in
    `time_zone`. `absent` lists tables ("revenueplan") and columns ("transaction.memo") that this
    account does not have or the role does not see. `second_book` posts everything to a secondary
    accounting book too. `locked` records ("customer/71") are held by a workflow, `contended` ones
    are always being changed by somebody else. With `view_only` the role of the integration has no
    more than View on any record. An asynchronous job is pending for the first
    `pending_polls` looks at it.
    """

    date_format: str = "M/D/YYYY"
    number_format: str = "1234.56"
    time_zone: str = "GMT"
    automatic_numbering: bool = False
    second_book: bool = False
    absent: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    contended: tuple[str, ...] = ()
    pending_polls: int = 1
    view_only: bool = False


def account(store: Store) -> Account:
    known: dict[str, Any] = store.meta(_META, {})
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in known.items()
    }
    return Account(**values)


def require_edit(store: Store, kind: str) -> None:
    """Refuse a write of a role that may only look."""
    if account(store).view_only:
        detail = f"Permission Violation: you need a higher permission on {kind}."
        raise NetSuiteError(detail, "INSUFFICIENT_PERMISSION", None, 403)


def set_up_account(store: Store, **changes: Any) -> Account:
    """Change some preferences; the others stay."""
    unknown = sorted(changes.keys() - {field.name for field in fields(Account)})
    if unknown:
        raise ValueError(f"An account has no preference {', '.join(unknown)}")
    changed = replace(account(store), **changes)
    store.set_meta(_META, asdict(changed))
    return changed
