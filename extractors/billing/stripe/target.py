"""Corrects Stripe records by id, makes credit notes and refunds, and does what ends a document.

Every write goes out under an idempotency key. Stripe keeps it for a day only; what was sent is
remembered by the outbox, and a record that was made carries its key in its metadata. What is done
to a document is an object of its own (`invoice/pay`), whose record is the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from extractors.billing.stripe.books import SYSTEM, Books
from extractors.billing.stripe.forms import form
from extractors.billing.stripe.objects import ENDPOINTS, USAGE
from extractors.billing.stripe.previews import preview
from extractors.billing.stripe.writable import EXPANDED, as_written
from extractors.calls import Call, Reply
from extractors.door_target import DoorTarget
from extractors.errors import NotFound, Rejected
from extractors.protocol import Preview, WriteIntent, WriteReceipt

# By which a record that was made is found again when its idempotency key is long forgotten.
KEY_FIELD = "tieout_key"

_PATHS = {
    **{name: endpoint.path for name, endpoint in ENDPOINTS.items() if endpoint.element is None},
    "subscription_item": "/v1/subscription_items",
}
# What can be done to a document beside setting its fields, by calls of their own.
_DEEDS = frozenset(
    {
        "invoice/pay",
        "invoice/finalize",
        "invoice/void",
        "subscription_schedule/cancel",
        "invoiceitem/delete",
        "subscription_item/delete",
    }
)
# Where being gone is what is wanted.
_DELETIONS = frozenset({"invoiceitem/delete", "subscription_item/delete"})
# An invoice is final once it is finalized, a charge once it is made: these two are what is left.
# A plan that has not begun charges nothing yet, nor does an item that waits for an invoice.
_MADE = frozenset(
    {
        "credit_note",
        "invoiceitem",
        "price",
        "refund",
        "subscription_item",
        "subscription_schedule",
    }
)
_METADATA = "metadata."

# What a list leaves out, and what of it is asked before a write.
_LISTED = {"price": (("expand[]", "data.tiers"),)}


@dataclass(frozen=True)
class StripeTarget(DoorTarget):
    """The account as a `Target`."""

    system: str = SYSTEM

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The record as it would be written (see writable.py)."""
        asked = Call("GET", _path(object, record_id), params=EXPANDED.get(object, ()))
        gone = {"id": record_id, "deleted": True} if object in _DELETIONS else None
        try:
            reply = await self.door.send(asked)
        except NotFound:
            return gone
        return gone if reply.body.get("deleted") else as_written(object, reply.body)

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """Records have no external id of ours; the vendor's own id is the only key."""
        return await self.read(object, external_id)

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        """Records of a list by what it can be filtered by, and by what their metadata say.

        The latter (`tieout_key`, and what begins with `metadata.`) is looked for among what the
        others leave (the credit notes of an invoice). Of usage it is what a meter counts of a
        customer between two instants, as one record or none.
        """
        if object == USAGE.name:
            path = f"{_path('meter', equals.pop('meter'))}/event_summaries"
            return [*await Books(self.door).elements(path, [*equals.items()])]
        told = {
            name.removeprefix(_METADATA): equals.pop(name)
            for name in [*equals]
            if name == KEY_FIELD or name.startswith(_METADATA)
        }
        usual = ENDPOINTS[object].params if object in ENDPOINTS else ()
        params = [*usual, *_LISTED.get(object, ()), *equals.items()]
        found = await Books(self.door).elements(_path(object), params)
        return [one for one in found if told.items() <= (one.get("metadata") or {}).items()]

    async def preview(self, intent: WriteIntent) -> Preview | None:
        """What the vendor says would come of a write."""
        return await preview(self.door, intent)

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        """Sent again safely because the vendor honours the key."""
        path, body = _path(intent.object, intent.record_id), intent.body
        if intent.operation == "create":
            if intent.object not in _MADE:
                raise Rejected(SYSTEM, f"{intent.object} is never made, only {sorted(_MADE)}")
            marks = {**body.get("metadata", {}), KEY_FIELD: intent.idempotency_key}
            path, body = _path(intent.object), {**body, "metadata": marks}
        elif intent.operation != "update":
            raise Rejected(
                SYSTEM, f"{intent.operation} is not offered, only update by id and create"
            )
        elif intent.object in _DEEDS:
            return await self._do(intent, path)
        return await self._post(intent, path, body)

    async def _do(self, intent: WriteIntent, path: str) -> WriteReceipt:
        """A deed takes no metadata: the document gets it before, which changes nothing else."""
        body = dict(intent.body)
        if metadata := body.pop("metadata", None):
            await self._post(intent, path, {"metadata": metadata}, ":metadata")
        if intent.object in _DELETIONS:
            return await self._delete(intent, path, body)
        return await self._post(intent, f"{path}/{intent.object.partition('/')[2]}", body)

    async def _delete(
        self, intent: WriteIntent, path: str, body: Mapping[str, Any]
    ) -> WriteReceipt:
        """What is gone when it is asked for again went by the call whose answer was lost."""
        how, thread = list(form(body)), intent.correlation_id
        call = Call("DELETE", path, params=how, kind="write", correlation_id=thread)
        try:
            reply = await self.door.send(call)
        except NotFound as error:
            status = error.status or 404
            return WriteReceipt(intent.record_id, error.request_id, status, error.message)
        return _receipt(reply)

    async def _post(
        self, intent: WriteIntent, path: str, body: Mapping[str, Any], of_key: str = ""
    ) -> WriteReceipt:
        reply = await self.door.send(
            Call(
                "POST",
                path,
                form=list(form(body)),
                headers={"Idempotency-Key": f"{intent.idempotency_key}{of_key}"},
                kind="write",
                correlation_id=intent.correlation_id,
            )
        )
        return _receipt(reply)


def _receipt(reply: Reply) -> WriteReceipt:
    return WriteReceipt(
        record_id=reply.member("id"),
        request_id=reply.request_id,
        status=reply.status,
        body_excerpt=reply.excerpt,
    )


def _path(name: str, record_id: str | None = None) -> str:
    name = name.partition("/")[0] if name in _DEEDS else name
    if name not in _PATHS:
        raise Rejected(SYSTEM, f"{name} is not declared; known are {sorted(_PATHS)}")
    if record_id is None:
        return _PATHS[name]
    return f"{_PATHS[name]}/{quote(record_id, safe='')}"
