"""Changes records as people and integrations do."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from extractors.sandbox import tables
from extractors.sandbox.schema import TABLES, System, to_text
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_events import Note, event_types
from extractors.sandbox.volume.writer import Kind
from extractors.sandbox.world.moments import moment


def touch(store: Store, share: float, seed: int = 1, at: datetime | None = None) -> dict[str, int]:
    """Change a share of the records between now and `at` (a day later), and set the clock there.

    What a vendor would note of a change is noted: modification stamps, and Stripe's events.
    Returns how many of each 'system.object' were changed.
    """
    since = int(store.now().timestamp()) + 1
    until = int((at or store.now() + timedelta(days=1)).timestamp())
    chance = Random(f"{seed}:touch")
    changed: Counter[str] = Counter()
    with store.transaction():
        notes: list[Note] = []
        for system, kind in _CHANGES:
            keys = _keys(store, system, kind)
            chosen = chance.sample(keys, round(len(keys) * share))
            times = [chance.randrange(since, until) for _ in chosen]
            notes += _change(store, system, kind, zip(chosen, times, strict=True))
            changed[f"{system}.{kind}"] = len(chosen)
        store.note_events(sorted(notes, key=lambda note: note.at))
        store.set_clock(moment(until))
    return dict(changed)


_Change = Callable[[Any, datetime], Any]

_CHANGES: Mapping[Kind, tuple[str, _Change]] = {
    ("salesforce", "Account"): ("BillingStreet", lambda _, at: f"{at.minute} Moved Street"),
    ("salesforce", "Opportunity"): ("Name", lambda old, _: f"{old} (revised)"),
    ("salesforce", "Contract"): ("Auto_Renew__c", lambda old, _: not old),
    ("salesforce", "Contract_Line__c"): ("Quantity__c", lambda old, _: Decimal(old) + 1),
    ("salesforce", "Subscription__c"): ("Status_Changed_At__c", lambda _, at: at),
    ("stripe", "customer"): ("description", lambda _, at: f"Reviewed {at:%Y-%m-%d}"),
    ("stripe", "subscription"): ("description", lambda _, at: f"Reviewed {at:%Y-%m-%d}"),
    ("stripe", "invoice"): ("description", lambda _, at: f"Reviewed {at:%Y-%m-%d}"),
    ("stripe", "charge"): ("description", lambda _, at: f"Reviewed {at:%Y-%m-%d}"),
    ("netsuite", "customer"): ("email", lambda old, at: f"{at.minute}.{old}"),
    ("netsuite", "transaction"): ("memo", lambda _, at: f"Reviewed {at:%Y-%m-%d}"),
}


def _keys(store: Store, system: System, kind: str) -> list[str]:
    """Ids of all live records, in an order that does not change."""
    if system == "stripe":
        sql = "SELECT id FROM stripe WHERE object = ? AND deleted = 0 ORDER BY seq"
        return [key for (key,) in store.query(sql, (kind,))]
    live = 'WHERE "IsDeleted" IS NOT 1' if system == "salesforce" else ""
    table = TABLES[system, kind]
    sql = f'SELECT "{table.key[0]}" FROM {table.sql_name} {live} ORDER BY 1'
    return [str(key) for (key,) in store.query(sql)]


def _change(
    store: Store, system: System, kind: str, chosen: Iterable[tuple[str, int]]
) -> list[Note]:
    """Change one field of each record at its time; returns what Stripe notes of it."""
    field, changed = _CHANGES[system, kind]
    notes: list[Note] = []
    for key, at in chosen:
        before = store.get(system, kind, key)
        assert before is not None
        value = changed(before.get(field), moment(at))
        if system == "stripe":
            after = before | {field: value}
            notes += [Note(at, name, after, before) for name in event_types(before, after)]
        else:
            table = TABLES[system, kind]
            stamps = dict.fromkeys(table.modified_columns, to_text(moment(at), system))
            tables.update(store, table, key, {field: value, **stamps})
    if notes:
        store.put_many("stripe", kind, [note.after for note in notes])
    return notes
