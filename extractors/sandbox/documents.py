"""How Stripe objects are kept: one JSON document each, with the columns that lists filter by.

Of a document that is not sent as it is kept (see stripe_shapes.py) what is sent stands beside it,
so that a page of a list is made by joining texts. Reads and writes are those of one account.
"""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from extractors.sandbox.database import Database
from extractors.sandbox.stripe_shapes import complete, render

Record = dict[str, Any]

_TABLE = (
    "CREATE TABLE IF NOT EXISTS stripe (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
    "object TEXT NOT NULL, created INTEGER NOT NULL, customer TEXT, parent TEXT, status TEXT, "
    "deleted INTEGER NOT NULL, account TEXT NOT NULL, written INTEGER NOT NULL, "
    "document TEXT NOT NULL, sent TEXT)"
)

CREATE_STATEMENTS = (
    _TABLE,
    "CREATE INDEX IF NOT EXISTS stripe_created ON stripe (account, object, created, seq)",
    "CREATE INDEX IF NOT EXISTS stripe_customer ON stripe (object, customer)",
    "CREATE INDEX IF NOT EXISTS stripe_parent ON stripe (object, parent)",
)

INDEXED = ("id", "created", "customer", "parent", "status")

_UPSERT = (
    "INSERT INTO stripe (id, object, created, customer, parent, status, deleted, account, written, "
    "document, sent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
    "object = excluded.object, created = excluded.created, customer = excluded.customer, "
    "parent = excluded.parent, status = excluded.status, deleted = excluded.deleted, "
    "written = excluded.written, document = excluded.document, sent = excluded.sent"
)

_PARENTS = {
    "event": "type",
    "billing.meter_event": "identifier",
    "price": "product",
    "payment_intent": "invoice",
    "invoice_payment": "invoice",
    "invoiceitem": "invoice",
    "credit_note": "invoice",
    "charge": "payment_intent",
    "refund": "charge",
    "dispute": "charge",
    "balance_transaction": "payout",
    "subscription_schedule": "subscription",
}


def parent_of(document: Mapping[str, Any]) -> str | None:
    """What it hangs under: invoice -> subscription, payment -> invoice, price -> product."""
    kind = document.get("object")
    if kind == "invoice":
        details = (document.get("parent") or {}).get("subscription_details") or {}
        return details.get("subscription")
    return document.get(_PARENTS[kind]) if kind in _PARENTS else None


def load(text: str) -> Record:
    return _DECODER.decode(text)


def dump(value: Any) -> str:
    return _ENCODER.encode(value)


def _number(value: Any) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{value!r} has no place in a Stripe document")


# Made once: making them takes longer than reading or writing a small document.
_DECODER = json.JSONDecoder(parse_float=Decimal)
_ENCODER = json.JSONEncoder(default=_number, separators=(",", ":"))


def find(database: Database, kind: str, equals: Mapping[str, Any]) -> list[Record]:
    """Documents of one kind, oldest first; deleted ones only where `deleted=True` is asked for."""
    wanted = dict(equals)
    conditions = ["account = ?", "object = ?", "deleted = ?"]
    parameters: list[Any] = [database.account, kind, int(wanted.pop("deleted", False))]
    for column, value in wanted.items():
        conditions.append(f"{column if column in INDEXED else _path(column)} IS ?")
        parameters.append(value)
    where = " AND ".join(conditions)
    sql = f"SELECT document FROM stripe WHERE {where} ORDER BY created, seq"
    return [load(text) for (text,) in database.query(sql, parameters)]


def _path(column: str) -> str:
    if not column.isidentifier():
        raise ValueError(f"{column!r} is not a field of a Stripe object")
    return f"json_extract(document, '$.{column}')"


def read(database: Database, kind: str, record_id: str) -> Record | None:
    sql = "SELECT document FROM stripe WHERE id = ? AND object = ? AND account = ?"
    rows = database.query(sql, (record_id, kind, database.account))
    return load(rows[0][0]) if rows else None


class DocumentBooks:
    """Finds the objects that an answer expands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def one(self, kind: str, record_id: str) -> Record | None:
        return read(self._database, kind, record_id)

    def those(self, kind: str, column: str, value: str) -> list[Record]:
        """Live documents of a kind that have a value in an indexed column, newest first."""
        return find(self._database, kind, {column: value})[::-1]


def write(database: Database, kind: str, documents: Iterable[Mapping[str, Any]]) -> None:
    """Keep documents, with whatever the vendor would add to them."""
    place = (database.account, int(database.now().timestamp()))
    database.execute_many(_UPSERT, (_row(kind, document, place) for document in documents))


def remove(database: Database, record_id: str) -> None:
    database.execute("DELETE FROM stripe WHERE id = ?", (record_id,))


def _row(kind: str, document: Mapping[str, Any], place: tuple[str, int]) -> tuple[Any, ...]:
    whole = complete(kind, document)
    sent = render(kind, whole)
    return (
        whole["id"],
        kind,
        whole["created"],
        whole.get("customer"),
        parent_of(whole),
        whole.get("status"),
        int(whole.get("deleted", False)),
        *place,
        dump(whole),
        None if sent is whole else dump(sent),
    )
