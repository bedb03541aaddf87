"""Corrects NetSuite records: update by id, upsert by external id, exact lookups by SuiteQL.

Synchronous writes have no idempotency key: the external id of an upsert is what makes a repeat
harmless, and whoever repeats looks first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from extractors.calls import Call
from extractors.erp.netsuite.client import SYSTEM, columns_of, literal, run
from extractors.erp.netsuite.objects import OBJECTS
from extractors.errors import NotFound, Rejected
from extractors.http import HttpDoor
from extractors.protocol import WriteIntent, WriteReceipt

RECORD_PATH = "/services/rest/record/v1"
# Records that are rows of the transaction table, and their type there.
TRANSACTION_TYPES = {
    "invoice": "CustInvc",
    "customerPayment": "CustPymt",
    "creditMemo": "CustCred",
    "journalEntry": "Journal",
}
_TABLES = {spec.vendor_name: spec for spec in OBJECTS.values()}


@dataclass(frozen=True)
class NetSuiteTarget:
    """The account as a `Target`. `read` speaks record names, `lookup` table names."""

    door: HttpDoor
    system: str = SYSTEM

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The record in the names that a write of it uses."""
        path = f"{RECORD_PATH}/{object}/{quote(record_id, safe='')}"
        try:
            reply = await self.door.send(Call("GET", path))
        except NotFound:
            return None
        return {name: value for name, value in reply.body.items() if name != "links"}

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The table row that carries our external id."""
        kind = TRANSACTION_TYPES.get(object)
        if kind is None:
            rows = await self.lookup(object, externalid=external_id)
        else:
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
        return await run(self.door, f"SELECT {columns_of(spec.fields)} FROM {object}{where}{order}")

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        key = quote(intent.record_id, safe="")
        is_upsert = intent.operation == "upsert"
        path = f"{RECORD_PATH}/{intent.object}/{f'eid:{key}' if is_upsert else key}"
        reply = await self.door.send(
            Call(
                "PUT" if is_upsert else "PATCH",
                path,
                json=dict(intent.body),
                kind="write",
                repeatable=False,
                correlation_id=intent.correlation_id,
            )
        )
        located = reply.headers.get("location", "").rstrip("/").rpartition("/")[2]
        return WriteReceipt(
            record_id=located or (None if is_upsert else intent.record_id),
            request_id=reply.request_id,
            status=reply.status,
            body_excerpt=reply.excerpt,
        )
