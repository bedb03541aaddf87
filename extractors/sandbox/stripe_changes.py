"""Stripe's writes: what each object lets be created and changed, and what follows."""

from collections.abc import Mapping
from typing import Any

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_forms import StripeError, checked, merged_metadata, require
from extractors.sandbox.stripe_lists import missing
from extractors.sandbox.stripe_shapes import Document

_ADDRESS = dict.fromkeys(("line1", "line2", "city", "state", "postal_code", "country"), "text")
_PRORATION = frozenset({"create_prorations", "none", "always_invoice"})
_COLLECTION = frozenset({"charge_automatically", "send_invoice"})
_EXPAND = {"expand": ["text"]}
_LABELS: dict[str, Any] = {"description": "text", "metadata": "metadata", **_EXPAND}

_CUSTOMER: dict[str, Any] = {
    "name": "text",
    "email": "email",
    "phone": "text",
    "address": _ADDRESS,
    **_LABELS,
}
_PRICE: dict[str, Any] = {"active": "boolean", "nickname": "text", "metadata": "metadata"} | _EXPAND
_ITEM: dict[str, Any] = {"quantity": "count", "price": "text", "metadata": "metadata"}

CREATE: dict[str, dict[str, Any]] = {
    "customer": _CUSTOMER | {"tax_id_data": [{"type": "text", "value": "text"}]},
    "product": {"id": "text", "name": "text", "active": "boolean", **_LABELS},
    "price": _PRICE
    | {
        "currency": "text",
        "product": "text",
        "unit_amount": "integer",
        "unit_amount_decimal": "decimal",
        "recurring": {
            "interval": frozenset({"day", "week", "month", "year"}),
            "interval_count": "integer",
        },
    },
}

UPDATE: dict[str, dict[str, Any]] = {
    "customer": _CUSTOMER,
    "product": {"name": "text", "active": "boolean", **_LABELS},
    "price": _PRICE,
    "subscription": {
        "items": [{"id": "text", "deleted": "boolean", **_ITEM}],
        "cancel_at_period_end": "boolean",
        "collection_method": _COLLECTION,
        "days_until_due": "integer",
        "proration_behavior": _PRORATION,
        "pause_collection": {
            "behavior": frozenset({"keep_as_draft", "mark_uncollectible", "void"}),
            "resumes_at": "integer",
        },
        **_LABELS,
    },
    "subscription_item": {"proration_behavior": _PRORATION, **_ITEM, **_EXPAND},
    "invoice": _LABELS,
    "charge": _LABELS,
}

_REQUIRED = {"customer": (), "product": ("name",), "price": ("currency", "product")}
_NOT_KEPT = {"expand", "proration_behavior"}


def create(store: Store, kind: str, parameters: Mapping[str, Any]) -> Document:
    """Make an object; returns it as kept."""
    asked = checked(parameters, CREATE[kind])
    require(asked, *_REQUIRED[kind])
    record_id = asked.get("id") or store.new_id("stripe", kind)
    if store.get("stripe", kind, record_id) is not None:
        raise StripeError(f"{kind} already exists.", "resource_already_exists", "id")
    kept = {name: value for name, value in asked.items() if name not in _NOT_KEPT}
    kept["metadata"] = merged_metadata({}, asked.get("metadata", {}))
    document = {"id": record_id, **_DEFAULTS[kind](store, kept)}
    return store.put("stripe", kind, document)


def update(store: Store, kind: str, record_id: str, parameters: Mapping[str, Any]) -> Document:
    """Change an object's given parameters; returns it as kept."""
    asked = checked(parameters, UPDATE[kind])
    if kind == "subscription_item":
        return _update_item(store, record_id, asked)
    document = live(store, kind, record_id)
    change = {name: value for name, value in asked.items() if name not in _NOT_KEPT}
    if "metadata" in change:
        change["metadata"] = merged_metadata(document.get("metadata"), change["metadata"])
    if change.get("address"):
        change["address"] = {**(document.get("address") or {}), **change["address"]}
    if kind == "subscription":
        _require_running(document, change)
        if change.get("items") is not None:
            change["items"] = {"data": _changed_items(store, document, change["items"])}
    if not change:
        return document
    return store.put("stripe", kind, {"id": record_id, **change})


def cancel_subscription(store: Store, record_id: str) -> Document:
    document = live(store, "subscription", record_id)
    if document["status"] == "canceled":
        raise missing("subscription", record_id)
    at = int(store.now().timestamp())
    ended = {"status": "canceled", "canceled_at": at, "ended_at": at}
    return store.put("stripe", "subscription", {"id": record_id, **ended})


def end_invoice(store: Store, record_id: str, status: str) -> Document:
    """Void an open invoice, or mark it uncollectible."""
    document = live(store, "invoice", record_id)
    if document["status"] not in {"open", "uncollectible"} or document["status"] == status:
        message = f"You can only change open invoices; this one is {document['status']}."
        raise StripeError(message, "invoice_not_editable")
    at = int(store.now().timestamp())
    mark = "voided_at" if status == "void" else "marked_uncollectible_at"
    transitions = {**(document.get("status_transitions") or {}), mark: at}
    change = {"id": record_id, "status": status, "status_transitions": transitions}
    return store.put("stripe", "invoice", change)


def delete_customer(store: Store, record_id: str) -> Document:
    live(store, "customer", record_id)
    store.delete("stripe", "customer", record_id)
    return {"id": record_id, "object": "customer", "deleted": True}


def live(store: Store, kind: str, record_id: str) -> Document:
    document = store.get("stripe", kind, record_id)
    if document is None or document.get("deleted"):
        raise missing(kind, record_id)
    return document


def find_item(store: Store, item_id: str) -> tuple[Document, Document]:
    """A subscription item and the subscription that holds it."""
    sql = (
        "SELECT id FROM stripe WHERE object = 'subscription' AND EXISTS (SELECT 1 FROM "
        "json_each(document, '$.items.data') WHERE json_extract(value, '$.id') = ?)"
    )
    for (subscription_id,) in store.query(sql, (item_id,)):
        subscription = live(store, "subscription", subscription_id)
        for item in subscription["items"]["data"]:
            if item["id"] == item_id:
                return item, subscription
    raise missing("subscription_item", item_id)


def _update_item(store: Store, item_id: str, asked: Mapping[str, Any]) -> Document:
    _, subscription = find_item(store, item_id)
    change = {name: value for name, value in asked.items() if name not in _NOT_KEPT}
    _require_running(subscription, change)
    items = _changed_items(store, subscription, [{"id": item_id, **change}])
    store.put("stripe", "subscription", {"id": subscription["id"], "items": {"data": items}})
    return find_item(store, item_id)[0]


def _require_running(subscription: Document, change: Mapping[str, Any]) -> None:
    if subscription["status"] == "canceled" and change.keys() - {"metadata"}:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise StripeError(message)


def _changed_items(
    store: Store, subscription: Document, changes: list[dict[str, Any]]
) -> list[Document]:
    """The items after changes by id; without an id an item is added."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    for position, change in enumerate(changes):
        item_id = change.pop("id", None)
        if item_id is None:
            require(change, "price")
            item_id = store.new_id("stripe", "subscription_item")
            created = int(store.now().timestamp())
            items[item_id] = {"id": item_id, "quantity": 1, "created": created, "metadata": {}}
        elif item_id not in items:
            raise missing("subscription_item", item_id, f"items[{position}][id]", 400)
        if change.pop("deleted", False):
            del items[item_id]
        else:
            items[item_id] = _changed_item(store, items[item_id], change)
    return list(items.values())


def _changed_item(store: Store, item: Document, change: Mapping[str, Any]) -> Document:
    changed = {**item, **change}
    if "metadata" in change:
        changed["metadata"] = merged_metadata(item.get("metadata"), change["metadata"])
    if "price" in change:
        price = store.get("stripe", "price", change["price"])
        if price is None:
            raise missing("price", change["price"], "items[0][price]", 400)
        changed["price"] = price
    return changed


def _new_customer(store: Store, asked: Document) -> Document:
    tax_ids = [
        {"id": store.new_id("stripe", "tax_id"), **tax_id}
        for tax_id in asked.pop("tax_id_data", None) or []
    ]
    empty = {"name": None, "email": None, "address": None, "currency": None}
    return {**empty, **asked, "tax_ids": {"data": tax_ids}}


def _new_product(_: Store, asked: Document) -> Document:
    return {"active": True, **asked}


def _new_price(store: Store, asked: Document) -> Document:
    if store.get("stripe", "product", asked["product"]) is None:
        raise missing("product", asked["product"], "product", 400)
    amounts = [name for name in ("unit_amount", "unit_amount_decimal") if name in asked]
    if len(amounts) != 1:
        message = "You must pass one of `unit_amount` and `unit_amount_decimal`."
        raise StripeError(message, None, "unit_amount")
    if amounts == ["unit_amount"]:
        asked["unit_amount_decimal"] = str(asked["unit_amount"])
    recurring = asked.pop("recurring", None)
    if recurring:
        recurring = {"interval_count": 1, **recurring}
    return {"active": True, "unit_amount": None, "recurring": recurring, **asked}


_DEFAULTS = {"customer": _new_customer, "product": _new_product, "price": _new_price}
