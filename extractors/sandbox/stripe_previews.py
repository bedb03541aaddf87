"""Stripe's previews of invoices: what the next one of a subscription would be, as it is or changed.

Nothing is kept of them. The preview of a credit note is made where notes are (stripe_credit_notes).
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import rounded
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import NOT_FOUND, StripeError
from extractors.sandbox.stripe_forms import require
from extractors.sandbox.stripe_invoice_items import line_of, waiting
from extractors.sandbox.stripe_operations import Operation, named, now
from extractors.sandbox.stripe_shapes import Document, complete
from extractors.sandbox.stripe_subscriptions import (
    ITEM,
    TERMS,
    change_item,
    prorations,
    require_period,
)
from extractors.sandbox.world.moments import boundary, moment

_DETAILS: dict[str, Any] = {
    "items": [{"id": "text", "deleted": "boolean", **ITEM}],
    "cancel_at": "moment",
    "cancel_at_period_end": "boolean",
    **TERMS,
}
_MONTHS = {"month": 1, "year": 12}


def _preview(store: Store, asked: dict[str, Any], _: str) -> Document:
    require(asked, "subscription")
    subscription = named(store, "subscription", asked["subscription"], "subscription")
    details = asked.get("subscription_details") or {}
    before = {item["id"]: item for item in subscription["items"]["data"]}
    after = dict(before)
    for position, change in enumerate(details.get("items") or ()):
        place = f"subscription_details[items][{position}]"
        change_item(store, after, change, place, subscription)
    lines = [
        *_left_over(store, subscription, before, after, details),
        *(line_of(store, item, None) for item in _pending(store, subscription)),
        *(_recurring(item, subscription) for item in _renewed(subscription, after, details)),
    ]
    if not lines:
        message = f"No upcoming invoices for customer: {subscription['customer']}"
        raise StripeError(message, "invoice_upcoming_none", None, NOT_FOUND)
    return _invoice(store, subscription, lines)


def _pending(store: Store, subscription: Document) -> Sequence[Document]:
    customer, currency = subscription["customer"], subscription["currency"]
    return waiting(store, customer, currency, subscription["id"])


def _left_over(
    store: Store,
    subscription: Document,
    before: Mapping[str, Document],
    after: Mapping[str, Document],
    details: Mapping[str, Any],
) -> Iterator[Document]:
    """What a change would credit and charge of the period that runs."""
    behavior = details.get("proration_behavior", "create_prorations")
    if behavior == "none" or subscription["status"] == "trialing":
        return
    require_period(details.get("proration_date"), before.values())
    at = details.get("proration_date", now(store))
    for item_id in dict.fromkeys((*before, *after)):
        for fields in prorations(subscription, before.get(item_id), after.get(item_id), at):
            item, priced = fields["prorated"]["subscription_item"], _priced(fields["price"])
            of_item = {"subscription_item": item, "proration": True}
            yield _line(subscription, of_item, pricing=priced, **_of_line(fields))


def _of_line(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in ("amount", "description", "period", "quantity")}


def _renewed(
    subscription: Document, items: Mapping[str, Document], details: Mapping[str, Any]
) -> list[Document]:
    """The items that are charged for another period; what is metered is charged when it is over."""
    ends = details.get("cancel_at_period_end", subscription.get("cancel_at_period_end"))
    if ends or subscription["status"] in {"canceled", "incomplete_expired"}:
        return []
    is_told = "cancel_at_period_end" in details
    end = None if is_told else details.get("cancel_at", subscription.get("cancel_at"))
    lasting = [i for i in items.values() if not end or i["current_period_end"] < end]
    usual = [item for item in lasting if "recurring" in item["price"]]
    return [i for i in usual if i["price"]["recurring"].get("usage_type") != "metered"]


def _recurring(item: Document, subscription: Document) -> Document:
    price, start = item["price"], item["current_period_end"]
    unit = Decimal(price.get("unit_amount_decimal") or 0)
    amount, every = rounded(unit * item["quantity"]), price["recurring"]
    months = _MONTHS.get(every["interval"], 1) * every.get("interval_count", 1)
    given = [*(item.get("discounts") or ()), *(subscription.get("discounts") or ())]
    return _line(
        subscription,
        {"subscription_item": item["id"], "proration": False},
        amount=amount,
        description=f"{item['quantity']} × {price['product']}",
        discount_amounts=[{"discount": one["id"], "amount": _off(one, amount)} for one in given],
        period={"start": start, "end": boundary(start, moment(start).day, months)},
        pricing=_priced(price),
        quantity=item["quantity"],
    )


def _off(discount: Mapping[str, Any], amount: int) -> int:
    coupon = (discount.get("source") or discount).get("coupon") or {}
    if coupon.get("percent_off"):
        return rounded(Decimal(amount) * Decimal(str(coupon["percent_off"])) / 100)
    return min(int(coupon.get("amount_off") or 0), amount)


def _priced(price: Document) -> Document:
    details = {"price": price["id"], "product": price["product"]}
    unit = price.get("unit_amount_decimal")
    return {"type": "price_details", "price_details": details, "unit_amount_decimal": unit}


def _line(subscription: Document, of: Mapping[str, Any], **fields: Any) -> Document:
    details = {"invoice_item": None, "subscription": subscription["id"], **of}
    return {
        "currency": subscription["currency"],
        "metadata": {},
        "parent": {"type": "subscription_item_details", "subscription_item_details": details},
        **fields,
    }


def _invoice(store: Store, subscription: Document, lines: Sequence[Document]) -> Document:
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal - sum(
        off["amount"] for line in lines for off in line.get("discount_amounts") or ()
    )
    details = {"subscription": subscription["id"], "metadata": {}}
    numbered = [{**line, "id": f"il_tmp_{n}"} for n, line in enumerate(lines)]
    return complete(
        "invoice",
        {
            "id": f"upcoming_in_{subscription['id']}",
            "amount_due": max(total, 0),
            "amount_remaining": max(total, 0),
            "billing_reason": "upcoming",
            "created": now(store),
            "currency": subscription["currency"],
            "customer": subscription["customer"],
            "lines": {"data": numbered},
            "parent": {"type": "subscription_details", "subscription_details": details},
            "status": "draft",
            "subtotal": subtotal,
            "total": total,
        },
    )


OPERATIONS = (
    Operation(
        "POST",
        "/v1/invoices/create_preview",
        "invoice",
        _preview,
        {"customer": "text", "subscription": "text", "subscription_details": _DETAILS},
        verb="read",
    ),
)
