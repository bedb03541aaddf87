"""Corrects NetSuite records: update by id, upsert by external id, create, exact lookups by SuiteQL.

An update and an upsert say what is to be, and may be sent again: sublists are replaced as a whole,
since lines that are sent twice would stand there twice. They are answered at once (one call). A
create has no such name for what it makes: it goes as a job under an idempotency key (four calls or
more), so that a lost answer can be asked for again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from extractors.calls import Call
from extractors.door_target import DoorTarget
from extractors.erp.netsuite.objects import OBJECTS
from extractors.erp.netsuite.records import RECORD_PATH, done_once, path_of
from extractors.erp.netsuite.suiteql import (
    SYSTEM,
    Columns,
    columns_of,
    items,
    literal,
)
from extractors.errors import NotFound, Rejected
from extractors.protocol import WriteIntent, WriteReceipt

# Records that are rows of the transaction table, and their type there.
TRANSACTION_TYPES = {
    "invoice": "CustInvc",
    "customerPayment": "CustPymt",
    "creditMemo": "CustCred",
    "journalEntry": "Journal",
    "customerRefund": "CustRfnd",
    "deposit": "Deposit",
}
_TABLES = {spec.vendor_name: spec for spec in OBJECTS.values()}


@dataclass(frozen=True)
class NetSuiteTarget(DoorTarget):
    """The account as a `Target`. `read` speaks record names, `lookup` table names."""

    system: str = SYSTEM
    _columns: Columns = field(default_factory=Columns, repr=False)

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The record in the names that a write of it uses."""
        expanded = (("expandSubResources", "true"),)
        try:
            reply = await self.door.send(Call("GET", path_of(object, record_id), expanded))
        except NotFound:
            return None
        return {name: value for name, value in reply.body.items() if name != "links"}

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """What carries our external id: of a transaction the table row, else the record."""
        kind = TRANSACTION_TYPES.get(object)
        if kind is None:
            return await self.read(object, f"eid:{external_id}")
        rows = await self.lookup("transaction", externalid=external_id, type=kind)
        return rows[0] if rows else None

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        """Rows of a declared table, with its declared columns."""
        if object not in _TABLES:
            raise Rejected(SYSTEM, f"{object} is not declared; known are {sorted(_TABLES)}")
        spec = _TABLES[object]
        unknown = sorted(set(equals) - set(spec.columns))
        if unknown:
            raise Rejected(SYSTEM, f"{object} has no declared columns {unknown}")
        terms = " AND ".join(f"{name} = {literal(value)}" for name, value in equals.items())
        where = f" WHERE {terms}" if terms else ""
        order = f" ORDER BY {', '.join(spec.key)}"

        def query() -> str:
            return f"SELECT {columns_of(self._columns.of(spec))} FROM {object}{where}{order}"

        rows: list[Mapping[str, Any]] = []
        while True:
            reply = await self._columns.ask(self.door, spec, query, offset=len(rows))
            rows.extend(items(reply))
            if not reply.member("hasMore"):
                return rows

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        """Send one write; a create hangs on `record_id` where that is given."""
        if intent.operation == "create":
            reply = await done_once(self.door, _creation(intent), intent.idempotency_key)
        else:
            reply = await self.door.send(_statement(intent))
        located = reply.headers.get("location", "").rstrip("/").rpartition("/")[2]
        return WriteReceipt(
            record_id=located or (intent.record_id if intent.operation == "update" else None),
            request_id=reply.request_id,
            status=reply.status,
            body_excerpt=reply.excerpt,
        )


def _statement(intent: WriteIntent) -> Call:
    """What a record is to be, by its id or our external id."""
    is_upsert = intent.operation == "upsert"
    path = path_of(intent.object, intent.record_id)
    sublists = [name for name, value in intent.body.items() if _is_sublist(value)]
    return Call(
        "PUT" if is_upsert else "PATCH",
        path_of(intent.object, "eid:" + intent.record_id) if is_upsert else path,
        params=(("replace", ",".join(sublists)),) if sublists else (),
        json=dict(intent.body),
        kind="write",
        repeatable=False,
        correlation_id=intent.correlation_id,
    )


def _creation(intent: WriteIntent) -> Call:
    """A new record, or one made of another: a credit memo of an invoice."""
    kind = intent.object
    path = f"{RECORD_PATH}/{kind}"
    if intent.record_id:
        path = f"{path_of('invoice', intent.record_id)}/!transform/{kind}"
    return Call(
        "POST",
        path,
        json=dict(intent.body),
        kind="write",
        correlation_id=intent.correlation_id,
    )


def _is_sublist(value: object) -> bool:
    return isinstance(value, Mapping) and "items" in value
