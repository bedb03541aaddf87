"""Corrects Salesforce records: update by id, upsert by external id, read back to compare.

Reads that are asked in the same moment go out in one request, and so do writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from extractors.calls import Call, Reply
from extractors.crm.salesforce.composite import composed, refers
from extractors.crm.salesforce.dialect import SYSTEM
from extractors.crm.salesforce.gathering import Gathering
from extractors.crm.salesforce.objects import OBJECTS
from extractors.crm.salesforce.query import ROOT, query_pages
from extractors.door_target import DoorTarget
from extractors.errors import NotFound, Rejected
from extractors.protocol import WriteIntent, WriteReceipt

# The field that carries our external id, per object.
EXTERNAL_IDS = {
    "Account": "Q2C_Customer_Key__c",
    "Opportunity": "Q2C_Key__c",
    "Subscription__c": "Stripe_Subscription_Id__c",
}
_SPECS = {spec.vendor_name: spec for spec in OBJECTS.values()}


@dataclass(frozen=True)
class SalesforceTarget(DoorTarget):
    """The org as a `Target`. There are no idempotency keys: no write is sent twice unseen."""

    system: str = SYSTEM

    @cached_property
    def _reads(self) -> Gathering:
        return Gathering(self.door, composed)

    @cached_property
    def _writes(self) -> Gathering:
        return Gathering(self.door, composed)

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        return await self._get(f"{ROOT}/sobjects/{object}/{quote(record_id, safe='')}")

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        return await self._get(_by_external_id(object, external_id))

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        """Live records of a declared object, with its declared fields."""
        if object not in _SPECS:
            raise Rejected(SYSTEM, f"{object} is not declared; known are {sorted(_SPECS)}")
        names = [item.path[0] for item in _SPECS[object].fields]
        unknown = sorted(set(equals) - set(names))
        if unknown:
            raise Rejected(SYSTEM, f"{object} has no declared fields {unknown}")
        terms = " AND ".join(f"{name} = {_literal(value)}" for name, value in equals.items())
        soql = f"SELECT {', '.join(names)} FROM {object}" + (f" WHERE {terms}" if terms else "")
        found: list[Mapping[str, Any]] = []
        async for records in query_pages(self.door, soql):
            found.extend(_fields(record) for record in records)
        return found

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        path = f"{ROOT}/sobjects/{intent.object}/{quote(intent.record_id, safe='')}"
        if intent.operation == "upsert":
            path = _by_external_id(intent.object, intent.record_id)
        call = Call(
            "PATCH",
            path,
            json=dict(intent.body),
            headers=_condition(intent),
            kind="write",
            repeatable=False,
            correlation_id=intent.correlation_id,
        )
        reply = await (self.door if refers(call) else self._writes).send(call)
        return WriteReceipt(
            record_id=_written_id(reply) or (intent.record_id if _is_update(intent) else None),
            request_id=reply.request_id,
            status=reply.status,
            body_excerpt=reply.excerpt,
        )

    async def _get(self, path: str) -> Mapping[str, Any] | None:
        try:
            reply = await self._reads.send(Call("GET", path))
        except NotFound:
            return None
        return _fields(reply.body)


def _by_external_id(name: str, value: str) -> str:
    if name not in EXTERNAL_IDS:
        raise Rejected(SYSTEM, f"{name} has no external id; known are {sorted(EXTERNAL_IDS)}")
    return f"{ROOT}/sobjects/{name}/{EXTERNAL_IDS[name]}/{quote(value, safe='')}"


def _condition(intent: WriteIntent) -> dict[str, str]:
    """Nobody wrote the record since we looked; told in whole seconds, as HTTP has it."""
    modified = (intent.seen or {}).get("LastModifiedDate")
    if modified is None:
        return {}
    at = datetime.fromisoformat(modified).astimezone(UTC)
    return {"If-Unmodified-Since": format_datetime(at, usegmt=True)}


def _is_update(intent: WriteIntent) -> bool:
    return intent.operation == "update"


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "attributes"}


def _written_id(reply: Reply) -> str | None:
    """The id that an upsert tells; a success status with `success: false` is a refusal."""
    if not isinstance(reply.body, Mapping):
        return None
    if reply.body.get("success") is False:
        raise Rejected(
            SYSTEM,
            "the write was answered with success: false",
            status=reply.status,
            request_id=reply.request_id,
            body_excerpt=reply.excerpt,
        )
    return reply.body.get("id")


def _literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
