"""The items that wait for a Stripe invoice, or make the lines of a draft."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import rounded
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_catalogue import add_price
from extractors.sandbox.stripe_errors import StripeError, not_allowed
from extractors.sandbox.stripe_forms import require
from extractors.sandbox.stripe_operations import (
    METADATA,
    Operation,
    change,
    create,
    live,
    named,
    now,
)
from extractors.sandbox.stripe_shapes import Document

FINAL = "invoice_not_editable"
_TAX_BEHAVIOR = frozenset({"exclusive", "inclusive", "unspecified"})
_INLINE: dict[str, Any] = {
    "currency": "text",
    "product": "text",
    "tax_behavior": _TAX_BEHAVIOR,
    "unit_amount": "count",
    "unit_amount_decimal": "decimal",
}
# Nothing of the sandbox is taxed by them, and no item shows them.
_OF_TAX: dict[str, Any] = {"tax_behavior": _TAX_BEHAVIOR, "tax_code": "text"}
_ITEM: dict[str, Any] = {
    "amount": "integer",
    "description": "text",
    "discountable": "boolean",
    "period": {"start": "integer", "end": "integer"},
    "pricing": {"price": "text"},
    "quantity": "count",
    "unit_amount_decimal": "decimal",
    **METADATA,
}


def add_invoice_item(
    store: Store,
    *,
    price: Document | None = None,
    prorated: Mapping[str, str] | None = None,
    **fields: Any,
) -> Document:
    """An item that the customer's next invoice takes up.

    `prorated` names the subscription and its item where part of a period is charged or credited.
    """
    if price is not None:
        unit = price.get("unit_amount_decimal")
        details = {"price": price["id"], "product": price["product"]}
        fields["pricing"] = {"type": "price_details", "price_details": details}
        fields["pricing"]["unit_amount_decimal"] = unit
    if prorated is not None:
        parent = {"type": "subscription_details", "subscription_details": dict(prorated)}
        fields |= {"parent": parent, "proration": True, "discountable": False}
    return create(store, "invoiceitem", {"created": now(store), **fields})


def _create_item(store: Store, asked: dict[str, Any], _: str) -> Document:
    customer = named(store, "customer", asked["customer"], "customer")
    _require_one_sum(asked)
    invoice = asked.get("invoice")
    if invoice is not None:
        _require_draft(named(store, "invoice", invoice, "invoice"))
    price = _price_of(store, asked)
    if subscription := asked.pop("subscription", None):
        named(store, "subscription", subscription, "subscription")
        details = {"subscription": subscription}
        asked["parent"] = {"type": "subscription_details", "subscription_details": details}
    fields = {**asked, "currency": _currency(asked, price, customer)}
    fields["amount"] = _amount(asked, price)
    for name in ("unit_amount_decimal", *_OF_TAX):
        fields.pop(name, None)
    item = add_invoice_item(store, price=price, **fields)
    if invoice is not None:
        take_up(store, live(store, "invoice", invoice), [item])
    return live(store, "invoiceitem", item["id"])


def _require_one_sum(asked: Mapping[str, Any]) -> None:
    """An amount is the whole of an item: what a price and a quantity come to is another."""
    for other in ("price_data", "pricing", "quantity", "unit_amount_decimal"):
        if asked.get("amount") is not None and asked.get(other) is not None:
            message = f"You may only specify one of these parameters: amount, {other}."
            raise StripeError(message, "parameters_exclusive", other)


def _price_of(store: Store, asked: dict[str, Any]) -> Document | None:
    """The price that is named, or one of its own for a price that is told: it is not on sale."""
    if told := asked.pop("price_data", None):
        require(told, "currency", "product")
        return add_price(store, {**told, "active": False})
    named_price = (asked.pop("pricing", None) or {}).get("price")
    return named(store, "price", named_price, "pricing[price]") if named_price else None


def _currency(asked: Mapping[str, Any], price: Document | None, customer: Document) -> str:
    known = asked.get("currency") or (price or {}).get("currency") or customer.get("currency")
    if not known:
        raise StripeError("Missing required param: currency.", "parameter_missing", "currency")
    return str(known)


def _amount(asked: Mapping[str, Any], price: Document | None) -> int:
    if asked.get("amount") is not None:
        return int(asked["amount"])
    unit = asked.get("unit_amount_decimal") or (price or {}).get("unit_amount_decimal")
    if unit is None:
        require(asked, "amount")
    return rounded(Decimal(str(unit)) * asked.get("quantity", 1))


def _update_item(store: Store, asked: dict[str, Any], key: str) -> Document:
    item = live(store, "invoiceitem", key)
    price = _price_of(store, asked)
    if {"amount", "quantity", "unit_amount_decimal"} & asked.keys() or price:
        asked["amount"] = _amount({"quantity": item["quantity"], **asked}, price)
    asked.pop("unit_amount_decimal", None)
    if item["invoice"]:
        _require_draft(live(store, "invoice", item["invoice"]))
    changed = change(store, "invoiceitem", key, asked)
    if changed["invoice"]:
        _recount(store, changed["invoice"])
    return changed


def _delete_item(store: Store, _: dict[str, Any], key: str) -> Document:
    item = live(store, "invoiceitem", key)
    if item["invoice"]:
        _require_draft(live(store, "invoice", item["invoice"]))
    store.delete("stripe", "invoiceitem", key)
    if item["invoice"]:
        _recount(store, item["invoice"])
    return {"id": key, "object": "invoiceitem", "deleted": True}


def waiting(
    store: Store, customer: str, currency: str, subscription: str | None = None
) -> list[Document]:
    """What the next invoice takes up; that of a subscription leaves what is for another one."""
    items = store.rows("stripe", "invoiceitem", customer=customer, invoice=None)
    return [
        item
        for item in items
        if item["currency"] == currency and subscription in {None, _meant_for(item) or subscription}
    ]


def _meant_for(item: Document) -> str | None:
    details = (item.get("parent") or {}).get("subscription_details") or {}
    return details.get("subscription")


def take_up(store: Store, invoice: Document, items: Sequence[Document]) -> None:
    for item in items:
        taken = {"id": item["id"], "invoice": invoice["id"]}
        store.put("stripe", "invoiceitem", taken, stamp=False)
    _recount(store, invoice["id"])


def _recount(store: Store, invoice_id: str) -> None:
    """Make a draft's lines and sums anew from the items that belong to it."""
    invoice = live(store, "invoice", invoice_id)
    known = {_item_id(line): line for line in invoice["lines"]["data"]}
    items = store.rows("stripe", "invoiceitem", parent=invoice_id)
    kept = [line for key, line in known.items() if key is None]
    lines = kept + [line_of(store, item, known.get(item["id"])) for item in items]
    total = sum(line["amount"] for line in lines)
    sums = {"subtotal": total, "total": total, "amount_due": max(total, 0)}
    sums["amount_remaining"] = sums["amount_due"]
    store.put("stripe", "invoice", {"id": invoice_id, "lines": {"data": lines}, **sums})


def _item_id(line: Mapping[str, Any]) -> str | None:
    details = (line.get("parent") or {}).get("invoice_item_details") or {}
    return details.get("invoice_item")


def line_of(store: Store, item: Document, before: Document | None) -> Document:
    """The line that an item makes, under the id of the one that it made before."""
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": None},
        "subscription": _meant_for(item),
    }
    copied = ("amount", "currency", "description", "discountable", "metadata", "period", "pricing")
    return {
        "id": before["id"] if before else store.new_id("stripe", "line_item"),
        "parent": {"type": "invoice_item_details", "invoice_item_details": details},
        "quantity": item["quantity"],
        **{name: item[name] for name in copied},
    }


def _require_draft(invoice: Document) -> None:
    if invoice["status"] != "draft":
        message = "This invoice is no longer editable: it has been finalized."
        raise not_allowed(message, FINAL)


OPERATIONS = (
    Operation(
        "POST",
        "/v1/invoiceitems",
        "invoiceitem",
        _create_item,
        {
            "currency": "text",
            "customer": "text",
            "invoice": "text",
            "price_data": _INLINE,
            "subscription": "text",
            **_OF_TAX,
            **_ITEM,
        },
        required=("customer",),
    ),
    Operation("POST", "/v1/invoiceitems/{key}", "invoiceitem", _update_item, _ITEM),
    Operation("DELETE", "/v1/invoiceitems/{key}", "invoiceitem", _delete_item),
)
