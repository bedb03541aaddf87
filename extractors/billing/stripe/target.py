"""Corrects Stripe records: metadata and plain fields by id, under an idempotency key.

Stripe keeps a key for a day only; what was sent is remembered by the outbox, not here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from extractors.billing.stripe.books import SYSTEM
from extractors.billing.stripe.objects import ENDPOINTS
from extractors.billing.stripe.ranges import LIST_LIMIT
from extractors.calls import Call
from extractors.errors import NotFound, Rejected
from extractors.http import HttpDoor
from extractors.protocol import WriteIntent, WriteReceipt


@dataclass(frozen=True)
class StripeTarget:
    """The account as a `Target`."""

    door: HttpDoor
    system: str = SYSTEM

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        try:
            reply = await self.door.send(Call("GET", _path(object, record_id)))
        except NotFound:
            return None
        return None if reply.body.get("deleted") else reply.body

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """Records have no external id of ours; the vendor's own id is the only key."""
        return await self.read(object, external_id)

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        """Records of a list, filtered by what that list can filter by (such as customer)."""
        endpoint = ENDPOINTS[object]
        params = [("limit", str(LIST_LIMIT)), *endpoint.params, *equals.items()]
        found: list[Mapping[str, Any]] = []
        while True:
            after = [("starting_after", found[-1]["id"])] if found else []
            reply = await self.door.send(Call("GET", endpoint.path, params=[*params, *after]))
            found.extend(reply.member("data"))
            if not reply.member("has_more"):
                return found

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        """Update by id; sent again safely because the vendor honours the key."""
        if intent.operation != "update":
            raise Rejected(SYSTEM, f"{intent.operation} is not offered, only update by id")
        reply = await self.door.send(
            Call(
                "POST",
                _path(intent.object, intent.record_id),
                form=list(_form(intent.body)),
                headers={"Idempotency-Key": intent.idempotency_key},
                kind="write",
                correlation_id=intent.correlation_id,
            )
        )
        return WriteReceipt(
            record_id=intent.record_id,
            request_id=reply.request_id,
            status=reply.status,
            body_excerpt=reply.excerpt,
        )


def _path(name: str, record_id: str) -> str:
    if name not in ENDPOINTS:
        raise Rejected(SYSTEM, f"{name} is not declared; known are {sorted(ENDPOINTS)}")
    return f"{ENDPOINTS[name].path}/{quote(record_id, safe='')}"


def _form(body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """`{"metadata": {"a": "b"}}` as `metadata[a]=b`; null clears a value."""
    for name, value in body.items():
        full = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            yield from _form(value, full)
        elif isinstance(value, bool):
            yield full, str(value).lower()
        else:
            yield full, "" if value is None else str(value)
