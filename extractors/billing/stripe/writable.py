"""Stripe's records in the form in which they are written: what is read back is what was sent. Pure.

Stripe shows lists of whole objects where it takes ids, and phases that are over, which it never
takes: to tell whether a record is as it was written both have to be brought to one form.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
# What has to be asked for, so that the form is complete.
EXPANDED: Mapping[str, Sequence[tuple[str, str]]] = {
    "invoice/pay": (("expand[]", "payments"),),
    "subscription": (("expand[]", "items.data.discounts"),),
    "subscription_item": (("expand[]", "discounts"),),
}
_OF_PHASE = ("start_date", "end_date", "proration_behavior", "collection_method", "description")
_LISTED = ("discounts", "metadata")
_FORMED = (*_OF_PHASE, *_LISTED, "items")
_OF_ITEM = ("price", "quantity")
_IMPLIED = ("currency", "plan")  # those of the subscription, and of the price


def as_written(name: str, record: Record) -> Record:
    """A record of the API as a write would have to give it."""
    if name not in _FORMS:
        return record
    return {**record, **_FORMS[name](record)}


def written_phases(schedule: Record) -> list[dict[str, Any]]:
    """The phase that runs and those to come."""
    runs = (schedule.get("current_phase") or {}).get("start_date")
    phases = schedule.get("phases") or ()
    return [_phase(one) for one in phases if runs is None or one["start_date"] >= runs]


def written_items(items: Sequence[Record]) -> list[dict[str, Any]]:
    """Items of a subscription without their ids, in an order of their own: one is as the next."""
    made = [_item({**one, **_subscription_item(one)}) for one in items]
    return sorted(made, key=lambda one: json.dumps(one, sort_keys=True, default=str))


def coupons(discounts: Sequence[Any] | None) -> list[Any]:
    """Discounts by their coupons; one that ends, or tells no coupon, stays as it is."""
    return [_coupon(one) for one in discounts or ()]


def unwritable(schedule: Record) -> list[str]:
    """What the phases hold and would lose, since this form does not know it."""
    return sorted({name for phase in schedule.get("phases") or () for name in _unknown(phase)})


def _phase(phase: Record) -> dict[str, Any]:
    kept = {name: phase[name] for name in _OF_PHASE if phase.get(name) is not None}
    return {**kept, **_listed(phase), "items": [_item(one) for one in phase["items"]]}


def _item(item: Record) -> dict[str, Any]:
    kept = {name: item[name] for name in _OF_ITEM if item.get(name) is not None}
    return {**kept, **_listed(item)}


def _listed(held: Record) -> dict[str, Any]:
    """Discounts and metadata, where there are any."""
    found = {"discounts": coupons(held.get("discounts")), "metadata": held.get("metadata")}
    return {name: value for name, value in found.items() if value}


def _coupon(discount: Any) -> Any:
    if not isinstance(discount, Mapping) or discount.get("promotion_code") or discount.get("end"):
        return discount
    coupon = (discount.get("source") or discount).get("coupon")
    named = coupon.get("id") if isinstance(coupon, Mapping) else coupon
    return {"coupon": named} if named else discount


def _unknown(phase: Record) -> Iterator[str]:
    yield from (name for name in phase if phase[name] and name not in {*_FORMED, *_IMPLIED})
    for item in phase["items"]:
        known = {*_OF_ITEM, *_LISTED, *_IMPLIED}
        yield from (f"items.{name}" for name in item if item[name] and name not in known)
    given = [*_discounts(phase), *(d for i in phase["items"] for d in _discounts(i))]
    yield from ("discounts" for one in coupons(given) if not _is_coupon(one))


def _discounts(held: Record) -> Sequence[Any]:
    return held.get("discounts") or ()


def _is_coupon(discount: Any) -> bool:
    return isinstance(discount, Mapping) and discount.keys() == {"coupon"}


def _subscription_item(record: Record) -> Record:
    price = record.get("price")
    named = price["id"] if isinstance(price, Mapping) else price
    return {"price": named, "discounts": coupons(record.get("discounts"))}


def _subscription(record: Record) -> Record:
    """With the end of the period that runs, which is kept by item: the first one counts."""
    items = (record.get("items") or {}).get("data") or ()
    ends = [one["current_period_end"] for one in items if one.get("current_period_end")]
    return {"items": written_items(items), "current_period_end": min(ends, default=None)}


def _schedule(record: Record) -> Record:
    return {"phases": written_phases(record)}


def _finalized(invoice: Record) -> Record:
    """What is final may be open, or paid by the time it is looked at."""
    return {"is_final": invoice.get("status") != "draft"}


def _paid(invoice: Record) -> Record:
    """By what an invoice was paid: what is kept of a payment beside Stripe moved no money."""
    payments = (invoice.get("payments") or {}).get("data") or ()
    ways = {one["payment"]["type"] for one in payments if one["status"] == "paid"}
    return {"paid_out_of_band": not ways or "payment_record" in ways}


def _there(_: Record) -> Record:
    return {"deleted": False}


def _item_there(item: Record) -> Record:
    return {"deleted": False, **_subscription_item(item)}


_FORMS: Mapping[str, Callable[[Record], Record]] = {
    "invoiceitem/delete": _there,
    "invoice/finalize": _finalized,
    "subscription_item/delete": _item_there,
    "invoice/pay": _paid,
    "subscription": _subscription,
    "subscription_item": _subscription_item,
    "subscription_schedule": _schedule,
}
