"""Stripe's subscriptions and their items: what may change, and what is charged for a change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import rounded
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_discounts import discount_of
from extractors.sandbox.stripe_errors import StripeError, missing, not_allowed, only_one_of
from extractors.sandbox.stripe_forms import merged_metadata, require
from extractors.sandbox.stripe_invoice_items import add_invoice_item
from extractors.sandbox.stripe_invoices import bill_pending
from extractors.sandbox.stripe_operations import (
    COLLECTION,
    EXPAND,
    METADATA,
    PRORATION,
    Operation,
    live,
    named,
    now,
)
from extractors.sandbox.stripe_shapes import Document

ITEM: dict[str, Any] = {
    "discounts": [{"coupon": "text", "discount": "text"}],
    "quantity": "count",
    "price": "text",
    **METADATA,
}
TERMS: dict[str, Any] = {"proration_behavior": PRORATION, "proration_date": "integer"}
_SUBSCRIPTION: dict[str, Any] = {
    "cancel_at": "moment",
    "cancel_at_period_end": "boolean",
    "collection_method": COLLECTION,
    "days_until_due": "integer",
    "description": "text",
    "pause_collection": {
        "behavior": frozenset({"keep_as_draft", "mark_uncollectible", "void"}),
        "resumes_at": "integer",
    },
    **TERMS,
    **METADATA,
}
_NOT_KEPT = {*EXPAND, *TERMS}
_ENDED = {"canceled", "incomplete_expired"}


def _create_item(store: Store, asked: dict[str, Any], _: str) -> Document:
    subscription = named(store, "subscription", asked.pop("subscription"), "subscription")
    known = {item["id"] for item in subscription["items"]["data"]}
    items = change_items(store, subscription, [_item_of(asked)], asked, "")["items"]["data"]
    return next(item for item in items if item["id"] not in known)


def _update_item(store: Store, asked: dict[str, Any], key: str) -> Document:
    _, subscription = find_item(store, key)
    _require_running(subscription)
    change_items(store, subscription, [{"id": key, **_item_of(asked)}], asked, "")
    return find_item(store, key)[0]


def _delete_item(store: Store, asked: dict[str, Any], key: str) -> Document:
    _, subscription = find_item(store, key)
    if len(subscription["items"]["data"]) == 1:
        raise not_allowed("A subscription must have at least one active plan.")
    change_items(store, subscription, [{"id": key, "deleted": True}], asked, "")
    return {"id": key, "object": "subscription_item", "deleted": True}


def _item_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name in ITEM}


def _update(store: Store, asked: dict[str, Any], key: str) -> Document:
    subscription = live(store, "subscription", key)
    fields = {name: value for name, value in asked.items() if name not in _NOT_KEPT}
    if fields.keys() - {"metadata"}:
        _require_running(subscription)
    if "metadata" in fields:
        fields["metadata"] = merged_metadata(subscription.get("metadata"), fields["metadata"])
    fields |= _notice(store, subscription, fields)
    changes = fields.pop("items", None)
    if changes:
        return change_items(store, subscription, changes, asked, **fields)
    if not fields:
        return subscription
    return store.put("stripe", "subscription", {"id": key, **fields})


def _notice(store: Store, subscription: Document, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a subscription says of its end; a schedule that is laid over it has the say."""
    named = asked.keys() & {"cancel_at", "cancel_at_period_end"}
    if not named:
        return {}
    if subscription["schedule"]:
        message = (
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`"
            ", and updating any cancelation behavior directly is not allowed. Please update the "
            "schedule instead."
        )
        raise StripeError(message)
    only_one_of(asked, *sorted(named))
    if asked.get("cancel_at_period_end"):
        end = min(item["current_period_end"] for item in subscription["items"]["data"])
        return {"cancel_at": end, "canceled_at": now(store)}
    if not asked.get("cancel_at"):
        return {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None}
    if asked["cancel_at"] <= now(store):
        raise StripeError("`cancel_at` must be in the future.", None, "cancel_at")
    return {"cancel_at_period_end": False, "canceled_at": now(store)}


def _cancel(store: Store, _: dict[str, Any], key: str) -> Document:
    subscription = live(store, "subscription", key)
    if subscription["status"] in _ENDED:
        raise missing("subscription", key)
    at = now(store)
    details = {**(subscription.get("cancellation_details") or {})}
    details["reason"] = "cancellation_requested"
    ended = {"status": "canceled", "canceled_at": at, "ended_at": at}
    return store.put(
        "stripe", "subscription", {"id": key, **ended, "cancellation_details": details}
    )


def find_item(store: Store, item_id: str) -> tuple[Document, Document]:
    """A subscription item and the subscription that holds it."""
    sql = (
        "SELECT id FROM stripe WHERE object = 'subscription' AND account = ? AND EXISTS (SELECT 1 "
        "FROM json_each(document, '$.items.data') WHERE json_extract(value, '$.id') = ?)"
    )
    for (subscription_id,) in store.query(sql, (store.account, item_id)):
        subscription = live(store, "subscription", subscription_id)
        for item in subscription["items"]["data"]:
            if item["id"] == item_id:
                return item, subscription
    raise missing("subscription_item", item_id)


def _require_running(subscription: Document) -> None:
    if subscription["status"] in _ENDED:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise StripeError(message)


def change_items(
    store: Store,
    subscription: Document,
    changes: Sequence[dict[str, Any]],
    asked: Mapping[str, Any],
    param: str = "items",
    **fields: Any,
) -> Document:
    """Change items by id, add those without; what was paid for and is not used is credited.

    `param` is the name of the list in the request, empty where the request is about one item.
    """
    before = {item["id"]: item for item in subscription["items"]["data"]}
    after = dict(before)
    require_period(asked.get("proration_date"), before.values())
    for position, change in enumerate(changes):
        place = f"{param}[{position}]" if param else ""
        change_item(store, after, change, place, subscription)
    items = {"data": list(after.values())}
    kept = store.put("stripe", "subscription", {"id": subscription["id"], "items": items, **fields})
    behavior = asked.get("proration_behavior", "create_prorations")
    if behavior != "none" and subscription["status"] != "trialing":
        at = asked.get("proration_date", now(store))
        for item_id in dict.fromkeys((*before, *after)):
            for due in prorations(kept, before.get(item_id), after.get(item_id), at):
                add_invoice_item(store, **due)
    if behavior == "always_invoice":
        bill_pending(store, kept)
    return live(store, "subscription", kept["id"])


def require_period(at: int | None, items: Iterable[Document]) -> None:
    """A part of a period is counted from an instant within it."""
    within = (one["current_period_start"] <= at <= one["current_period_end"] for one in items if at)
    if not all(within):
        message = "Cannot specify proration date outside of current subscription period"
        raise StripeError(message, None, "proration_date")


def change_item(
    store: Store,
    items: dict[str, Document],
    change: dict[str, Any],
    place: str,
    subscription: Document,
) -> None:
    item_id = change.get("id")
    if item_id is None:
        require(change, "price")
        item_id = store.new_id("stripe", "subscription_item")
        items[item_id] = _new_item(store, item_id, subscription)
    elif item_id not in items:
        raise missing("subscription_item", item_id, f"{place}[id]", 400)
    if change.get("deleted"):
        del items[item_id]
        return
    item = {**items[item_id], "quantity": change.get("quantity", items[item_id]["quantity"])}
    if "metadata" in change:
        item["metadata"] = merged_metadata(item.get("metadata"), change["metadata"])
    if "price" in change:
        item["price"] = named(store, "price", change["price"], _param(place, "price"))
    if "discounts" in change:
        given, kept = change["discounts"] or (), item.get("discounts") or ()
        where = _param(place, "discounts")
        item["discounts"] = [discount_of(store, one, kept, where) for one in given]
    items[item_id] = item


def _param(place: str, name: str) -> str:
    return f"{place}[{name}]" if place else name


def _new_item(store: Store, item_id: str, subscription: Document) -> Document:
    at = now(store)
    first: Document = next(iter(subscription["items"]["data"]), {})
    return {
        "id": item_id,
        "created": at,
        "quantity": 1,
        "metadata": {},
        "current_period_start": first.get("current_period_start", at),
        "current_period_end": first.get("current_period_end", at),
    }


def prorations(
    subscription: Document, before: Document | None, after: Document | None, at: int
) -> Iterator[dict[str, Any]]:
    """Pending invoice items for what is left of the period: a credit, and what is due instead."""
    if before and after and _terms(before) == _terms(after):
        return
    for item, sign, words in ((before, -1, "Unused time on"), (after, 1, "Remaining time on")):
        amount = _left(item, subscription, at) * sign if item else 0
        if item and amount:
            yield {
                "customer": subscription["customer"],
                "currency": subscription["currency"],
                "amount": amount,
                "quantity": item["quantity"],
                "description": f"{words} {item['quantity']} × {item['price']['product']}",
                "period": {"start": at, "end": item["current_period_end"]},
                "price": item["price"],
                "prorated": {"subscription": subscription["id"], "subscription_item": item["id"]},
            }


def _terms(item: Document) -> tuple[str, int]:
    return item["price"]["id"], item["quantity"]


def _left(item: Document, subscription: Document, at: int) -> int:
    """What an item costs from an instant to the end of its period, less percentages off."""
    start, end = item["current_period_start"], item["current_period_end"]
    if not start <= at < end:
        return 0
    unit = Decimal(item["price"].get("unit_amount_decimal") or 0)
    given = [*(item.get("discounts") or ()), *(subscription.get("discounts") or ())]
    for coupon in (one["source"]["coupon"] for one in given):
        unit = unit * (100 - Decimal(str(coupon.get("percent_off") or 0))) / 100
    return rounded(unit * item["quantity"] * (end - at) / (end - start))


OPERATIONS = (
    Operation(
        "POST",
        "/v1/subscriptions/{key}",
        "subscription",
        _update,
        {"items": [{"id": "text", "deleted": "boolean", **ITEM}], **_SUBSCRIPTION},
    ),
    Operation(
        "DELETE",
        "/v1/subscriptions/{key}",
        "subscription",
        _cancel,
        {"invoice_now": "boolean", "prorate": "boolean"},
    ),
    Operation(
        "POST",
        "/v1/subscription_items",
        "subscription_item",
        _create_item,
        {"subscription": "text", **ITEM, **TERMS},
        required=("subscription", "price"),
    ),
    Operation(
        "POST",
        "/v1/subscription_items/{key}",
        "subscription_item",
        _update_item,
        {**ITEM, **TERMS},
    ),
    Operation("DELETE", "/v1/subscription_items/{key}", "subscription_item", _delete_item, TERMS),
)
