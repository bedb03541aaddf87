"""Stripe's customers with their tax ids, products, prices and coupons; labels of other objects."""

from typing import Any

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import StripeError, missing
from extractors.sandbox.stripe_operations import (
    ADDRESS,
    METADATA,
    Operation,
    change,
    create,
    live,
    named,
    now,
    updating,
)
from extractors.sandbox.stripe_shapes import Document

_LABELS: dict[str, Any] = {"description": "text", **METADATA}
_CUSTOMER: dict[str, Any] = {
    "name": "text",
    "email": "email",
    "phone": "text",
    "address": ADDRESS,
    "balance": "integer",
    "preferred_locales": ["text"],
    "tax_exempt": frozenset({"exempt", "none", "reverse"}),
    **_LABELS,
}
_TAX_ID: dict[str, Any] = {"type": "text", "value": "text"}
_PRODUCT: dict[str, Any] = {
    "name": "text",
    "active": "boolean",
    "statement_descriptor": "text",
    "unit_label": "text",
    "url": "text",
    **_LABELS,
}
_PRICE: dict[str, Any] = {"active": "boolean", "lookup_key": "text", "nickname": "text", **METADATA}
_TIER: dict[str, Any] = {
    "up_to": "text",
    **dict.fromkeys(("unit_amount", "flat_amount"), "integer"),
    **dict.fromkeys(("unit_amount_decimal", "flat_amount_decimal"), "decimal"),
}
_PRICE_TERMS: dict[str, Any] = {
    "currency": "text",
    "product": "text",
    "unit_amount": "integer",
    "unit_amount_decimal": "decimal",
    "recurring": {
        "interval": frozenset({"day", "week", "month", "year"}),
        "interval_count": "integer",
        "meter": "text",
        "usage_type": frozenset({"licensed", "metered"}),
    },
    "tax_behavior": frozenset({"exclusive", "inclusive", "unspecified"}),
    "billing_scheme": frozenset({"per_unit", "tiered"}),
    "tiers_mode": frozenset({"graduated", "volume"}),
    "tiers": [_TIER],
}
_COUPON: dict[str, Any] = {
    "id": "text",
    "amount_off": "integer",
    "applies_to": {"products": ["text"]},
    "currency": "text",
    "duration": frozenset({"forever", "once", "repeating"}),
    "duration_in_months": "integer",
    "max_redemptions": "integer",
    "name": "text",
    "percent_off": "number",
    **METADATA,
}


def _create_customer(store: Store, asked: dict[str, Any], _: str) -> Document:
    tax_ids = asked.pop("tax_id_data", None) or []
    asked["tax_ids"] = {"data": [_new_tax_id(store, tax_id) for tax_id in tax_ids]}
    return create(store, "customer", asked)


def _update_customer(store: Store, asked: dict[str, Any], key: str) -> Document:
    before = live(store, "customer", key).get("address")
    if asked.get("address"):
        asked["address"] = {**(before or {}), **asked["address"]}
    return change(store, "customer", key, asked)


def _delete_customer(store: Store, _: dict[str, Any], key: str) -> Document:
    """The customer leaves a stub; its subscriptions end at once."""
    live(store, "customer", key)
    at = now(store)
    for subscription in store.rows("stripe", "subscription", customer=key):
        if subscription["status"] not in {"canceled", "incomplete_expired"}:
            ended = {"status": "canceled", "canceled_at": at, "ended_at": at}
            store.put("stripe", "subscription", {"id": subscription["id"], **ended})
    store.delete("stripe", "customer", key)
    return {"id": key, "object": "customer", "deleted": True}


def _new_tax_id(store: Store, asked: dict[str, Any]) -> Document:
    return {"id": store.new_id("stripe", "tax_id"), "created": now(store), **asked}


def _tax_ids(customer: Document) -> list[Document]:
    return list((customer.get("tax_ids") or {"data": []})["data"])


def _create_tax_id(store: Store, asked: dict[str, Any], key: str) -> Document:
    """A tax id is kept on its customer, which does not count as changed by it."""
    known = _tax_ids(live(store, "customer", key))
    kept = {"id": key, "tax_ids": {"data": [*known, _new_tax_id(store, asked)]}}
    return _tax_ids(store.put("stripe", "customer", kept))[-1]


def _delete_tax_id(store: Store, asked: dict[str, Any], key: str) -> Document:
    known = _tax_ids(live(store, "customer", key))
    gone = [tax_id for tax_id in known if tax_id["id"] == asked["tax_id"]]
    if not gone:
        raise missing("tax_id", asked["tax_id"])
    kept = {"id": key, "tax_ids": {"data": [tax_id for tax_id in known if tax_id not in gone]}}
    store.put("stripe", "customer", kept)
    return {**gone[0], "deleted": True}


def _create_product(store: Store, asked: dict[str, Any], _: str) -> Document:
    return _create_named(store, "product", asked)


def _create_coupon(store: Store, asked: dict[str, Any], _: str) -> Document:
    if (asked.get("percent_off") is None) == (asked.get("amount_off") is None):
        message = "You must pass either `percent_off` or `amount_off`, but not both."
        raise StripeError(message, "parameter_missing", "percent_off")
    return _create_named(store, "coupon", asked)


def _create_named(store: Store, kind: str, asked: dict[str, Any]) -> Document:
    """An object whose id the caller may choose."""
    key = asked.pop("id", None)
    if key is None:
        return create(store, kind, asked)
    if store.get("stripe", kind, key) is not None:
        message = f"{kind.capitalize()} already exists."
        raise StripeError(message, "resource_already_exists", "id")
    return create(store, kind, {**asked, "id": key})


def _create_price(store: Store, asked: dict[str, Any], _: str) -> Document:
    return add_price(store, asked)


def add_price(store: Store, asked: dict[str, Any]) -> Document:
    """A price as it is asked for, of a product that there is."""
    named(store, "product", asked["product"], "product")
    if asked.get("billing_scheme") == "tiered" or "tiers" in asked:
        return create(store, "price", {**asked, "tiers": _tiers(asked)})
    amounts = [name for name in ("unit_amount", "unit_amount_decimal") if name in asked]
    if len(amounts) != 1:
        message = "You must pass one of `unit_amount` and `unit_amount_decimal`."
        raise StripeError(message, "parameter_missing", "unit_amount")
    if amounts == ["unit_amount"]:
        asked["unit_amount_decimal"] = str(asked["unit_amount"])
    elif "." not in asked["unit_amount_decimal"]:
        asked["unit_amount"] = int(asked["unit_amount_decimal"])
    return create(store, "price", asked)


def _tiers(asked: dict[str, Any]) -> list[Document]:
    """The tiers of a price, each from where the one before ends; the last one has no end."""
    for name in ("billing_scheme", "tiers", "tiers_mode"):
        if not asked.get(name):
            message = f"You must pass `{name}` for a price with tiers."
            raise StripeError(message, "parameter_missing", name)
    *_, last = asked["tiers"]
    if last.get("up_to") != "inf":
        raise StripeError("The last tier must have `up_to` of `inf`.", None, "tiers")
    return [_tier(one) for one in asked["tiers"]]


def _tier(asked: dict[str, Any]) -> Document:
    end = asked["up_to"]
    made: Document = {"up_to": None if end == "inf" else int(end)}
    for name in ("unit_amount", "flat_amount"):
        text = asked.get(f"{name}_decimal")
        if text is None and asked.get(name) is not None:
            text = str(asked[name])
        made[f"{name}_decimal"] = text
        made[name] = int(text) if text is not None and "." not in text else None
    return made


def _update_price(store: Store, asked: dict[str, Any], key: str) -> Document:
    """Subscriptions show their prices whole: they show the change too, but did not change."""
    changed = change(store, "price", key, asked)
    sql = (
        "SELECT id FROM stripe WHERE object = 'subscription' AND account = ? AND EXISTS (SELECT 1 "
        "FROM json_each(document, '$.items.data') WHERE json_extract(value, '$.price.id') = ?)"
    )
    for (subscription_id,) in store.query(sql, (store.account, key)):
        subscription = live(store, "subscription", subscription_id)
        items = [
            {**item, "price": changed} if item["price"]["id"] == key else item
            for item in subscription["items"]["data"]
        ]
        shown = {"id": subscription_id, "items": {"data": items}}
        store.put("stripe", "subscription", shown, stamp=False)
    return changed


OPERATIONS = (
    Operation(
        "POST",
        "/v1/customers",
        "customer",
        _create_customer,
        {**_CUSTOMER, "tax_id_data": [_TAX_ID]},
    ),
    Operation("POST", "/v1/customers/{key}", "customer", _update_customer, _CUSTOMER),
    Operation("DELETE", "/v1/customers/{key}", "customer", _delete_customer),
    Operation(
        "POST",
        "/v1/customers/{key}/tax_ids",
        "tax_id",
        _create_tax_id,
        _TAX_ID,
        required=("type", "value"),
    ),
    Operation("DELETE", "/v1/customers/{key}/tax_ids/{tax_id}", "tax_id", _delete_tax_id),
    Operation(
        "POST",
        "/v1/products",
        "product",
        _create_product,
        {"id": "text", **_PRODUCT},
        required=("name",),
    ),
    updating("/v1/products/{key}", "product", _PRODUCT),
    Operation(
        "POST",
        "/v1/prices",
        "price",
        _create_price,
        {**_PRICE, **_PRICE_TERMS},
        required=("currency", "product"),
    ),
    Operation("POST", "/v1/prices/{key}", "price", _update_price, _PRICE),
    Operation("POST", "/v1/coupons", "coupon", _create_coupon, _COUPON),
    updating("/v1/coupons/{key}", "coupon", {"name": "text", **METADATA}),
    updating("/v1/charges/{key}", "charge", {**_LABELS, "receipt_email": "text"}),
    updating("/v1/payment_intents/{key}", "payment_intent", _LABELS),
)
