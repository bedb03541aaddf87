"""What Stripe itself says would come of a write: a credit note, or the next invoice.

Of all else that is written it has no preview. Asking changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from extractors.billing.stripe.forms import form
from extractors.calls import Call
from extractors.errors import NotFound
from extractors.http import HttpDoor
from extractors.protocol import Preview, WriteIntent

_NEXT_INVOICE = "/v1/invoices/create_preview"
_NOT_PREVIEWED = ("email_type", "metadata")  # of a note: nothing follows from them
_OF_SUBSCRIPTION = frozenset({"cancel_at", "cancel_at_period_end", "proration_behavior", "items"})

Record = Mapping[str, Any]


async def preview(door: HttpDoor, intent: WriteIntent) -> Preview | None:
    """The document that would be made; None where there is no preview of such a write."""
    match intent.operation, intent.object:
        case "create", "credit_note":
            return await _credit_note(door, intent.body)
        case "update", "subscription_item":
            return await _of_item(door, intent)
        case "create", "subscription_item":
            return await _of_new_item(door, intent.body)
        case "update", "subscription" if intent.body.keys() <= _OF_SUBSCRIPTION:
            return await _next_invoice(door, intent.record_id, intent.body)
    return None


async def _credit_note(door: HttpDoor, body: Record) -> Preview:
    asked = {name: value for name, value in body.items() if name not in _NOT_PREVIEWED}
    call = Call("GET", "/v1/credit_notes/preview", params=list(form(asked)))
    note = (await door.send(call)).body
    return _told("credit note", note)


async def _of_item(door: HttpDoor, intent: WriteIntent) -> Preview:
    """An item's change, by the subscription that it belongs to."""
    item = (await door.send(Call("GET", f"/v1/subscription_items/{intent.record_id}"))).body
    body = dict(intent.body)
    how = {name: body.pop(name) for name in ("proration_behavior",) if name in body}
    details = {**how, "items": [{"id": intent.record_id, **body}]}
    return await _next_invoice(door, item["subscription"], details)


async def _of_new_item(door: HttpDoor, body: Record) -> Preview:
    item = {name: body[name] for name in ("price", "quantity")}
    how = {name: body[name] for name in ("proration_behavior", "proration_date") if name in body}
    return await _next_invoice(door, body["subscription"], {**how, "items": [item]})


async def _next_invoice(door: HttpDoor, subscription: str, details: Record) -> Preview:
    """With the change, beside what it would come to without."""
    before = await _upcoming(door, {"subscription": subscription})
    changed = {"subscription": subscription, "subscription_details": details}
    after = await _upcoming(door, changed)
    currency = (after or before or {}).get("currency", "")
    invoice = after or {"total": 0, "currency": currency, "lines": {"data": ()}}
    was = None if before is None else int(before["total"])
    return _told("next invoice", invoice, before=was)


async def _upcoming(door: HttpDoor, asked: Record) -> Record | None:
    """None where there would be no invoice any more."""
    try:
        return (await door.send(Call("POST", _NEXT_INVOICE, form=list(form(asked))))).body
    except NotFound:
        return None


def _told(document: str, record: Record, *, before: int | None = None) -> Preview:
    return Preview(
        document=document,
        currency=str(record["currency"]).upper(),
        total_minor=int(record["total"]),
        tax_minor=sum(tax["amount"] for tax in record.get("total_taxes") or ()),
        before_minor=before,
        lines=tuple(
            (str(line.get("description") or ""), int(line["amount"]))
            for line in record["lines"]["data"]
        ),
    )
