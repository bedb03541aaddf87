"""The shapes of an older API version, made from those of the pinned one.

Version drift is what a client must survive: fields that moved with 2025-03-31.basil are missing
under their old names, and nothing says so. What events hold has the shape of the account's default
version; an answer has that of the request's `Stripe-Version`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from extractors.sandbox.stripe_fields import Field
from extractors.sandbox.stripe_follows import plan_of
from extractors.sandbox.stripe_shapes import Books, Document, Tree, render

PINNED = "2026-10-28.endive"
OLDER = "2022-11-15"
SERVED = frozenset({PINNED, OLDER})
_MOVED = "2025-03-31"

OLDER_FIELDS: Mapping[str, Mapping[str, Field]] = {
    "subscription": {"plan": Field("inner", "plan"), "discount": Field("inner", "discount")},
    "invoice": {
        "charge": Field("ref", "charge"),
        "payment_intent": Field("ref", "payment_intent"),
        "subscription": Field("ref", "subscription"),
        "discount": Field("inner", "discount"),
    },
    "line_item": {"plan": Field("inner", "plan"), "price": Field("inner", "price")},
    "charge": {"invoice": Field("ref", "invoice")},
    "payment_intent": {"invoice": Field("ref", "invoice")},
}
"""What could be expanded then, beside what can be now."""

_NOTHING: Tree = {}
_SUMS = ("amount", "taxability_reason", "taxable_amount")


def is_older(version: str) -> bool:
    """Whether a version is from before the fields moved; versions begin with their date."""
    return version < _MOVED


def older(sent: Any, books: Books, tree: Tree = _NOTHING) -> Any:
    """What is sent, in the older shape, with all that is expanded in it."""
    if isinstance(sent, list):
        return [older(element, books, tree) for element in sent]
    if not isinstance(sent, dict):
        return sent
    kind = str(sent.get("object"))
    gone: tuple[str, ...] = ()
    added: Document = {}
    if kind in _RULES and not sent.get("deleted"):
        gone, added = _RULES[kind](sent, books)
        for name, field in OLDER_FIELDS.get(kind, {}).items():
            if field.how == "ref" and name in tree and added.get(name):
                added[name] = _expanded(field.kind, added[name], books, tree[name])
    kept = {
        name: older(value, books, tree.get(name, _NOTHING))
        for name, value in sent.items()
        if name not in gone
    }
    return kept | added


def _expanded(kind: str, record_id: str, books: Books, tree: Tree) -> Any:
    target = books.one(kind, record_id)
    return older(render(kind, target, tree, books), books, tree) if target else record_id


Change = tuple[tuple[str, ...], Document]
"""Fields that did not exist, and those that did."""


def _subscription(sent: Document, books: Books) -> Change:
    items = sent["items"]["data"] if "items" in sent else []
    kept = books.one("subscription", sent["id"]) or {}
    periods = {
        name: items[0].get(name) if items else None
        for name in ("current_period_start", "current_period_end")
    }
    single = items[0] if len(items) == 1 else {}
    return (
        ("billing_mode", "billing_schedules", "customer_account", "discounts", "managed_payments"),
        periods
        | {
            "discount": _first_discount(kept.get("discounts"), books),
            "plan": single.get("plan"),
            "quantity": single.get("quantity"),
        },
    )


def _item(_: Document, __: Books) -> Change:
    return ("current_period_start", "current_period_end", "discounts"), {}


def _first_discount(discounts: Any, books: Books) -> Document | None:
    if not discounts or isinstance(discounts[0], str):
        return None
    return older({"object": "discount", **discounts[0]}, books)


def _discount(sent: Document, books: Books) -> Change:
    coupon = sent["source"]["coupon"]
    if isinstance(coupon, str):
        coupon = books.one("coupon", coupon)
    return ("source", "customer_account"), {"coupon": coupon}


def _invoice(sent: Document, books: Books) -> Change:
    details = (sent["parent"] or {}).get("subscription_details") or {}
    payments = [p["payment"] for p in books.those("invoice_payment", "parent", sent["id"])]
    intents = [p["payment_intent"] for p in payments if p.get("payment_intent")]
    intents += [i["id"] for i in books.those("payment_intent", "parent", sent["id"])]
    charges = books.those("charge", "parent", intents[0]) if intents else []
    taxes = sent["total_taxes"] or []
    return (
        _INVOICE_GONE,
        {
            "application_fee_amount": None,
            "charge": charges[0]["id"] if charges else None,
            "discount": None,
            "paid": sent["status"] == "paid",
            "paid_out_of_band": any(p["type"] == "payment_record" for p in payments),
            "payment_intent": intents[0] if intents else None,
            "quote": None,
            "rendering_options": None,
            "subscription": details.get("subscription"),
            "subscription_details": {"metadata": details.get("metadata")},
            "tax": sum(tax["amount"] for tax in taxes) if taxes else None,
            "total_tax_amounts": _tax_amounts(taxes),
            "transfer_data": None,
        },
    )


_INVOICE_GONE = (
    "amount_overpaid",
    "customer_account",
    "parent",
    "payments",
    "status_details",
    "total_pretax_credit_amounts",
    "total_taxes",
)


def _tax_amounts(taxes: list[Document] | None) -> list[Document]:
    return [
        {"inclusive": tax["tax_behavior"] == "inclusive", "tax_rate": None}
        | {name: tax[name] for name in _SUMS}
        for tax in taxes or ()
    ]


def _line(sent: Document, books: Books) -> Change:
    parent = sent["parent"] or {}
    details = parent.get(parent.get("type")) or {}
    terms = (sent["pricing"] or {}).get("price_details") or {}
    price = books.one("price", terms["price"]) if terms else None
    return (
        ("parent", "pretax_credit_amounts", "pricing", "quantity_decimal", "subtotal", "taxes"),
        {
            "amount_excluding_tax": sent["amount"],
            "invoice_item": details.get("invoice_item"),
            "plan": plan_of(price) if price else None,
            "price": render("price", price) if price else None,
            "proration": details.get("proration", False),
            "proration_details": details.get("proration_details") or {"credited_items": None},
            "subscription_item": details.get("subscription_item"),
            "tax_amounts": _tax_amounts(sent["taxes"]),
            "tax_rates": [],
            "type": "invoiceitem" if details.get("invoice_item") else "subscription",
            "unit_amount_excluding_tax": (sent["pricing"] or {}).get("unit_amount_decimal"),
        },
    )


def _charge(sent: Document, books: Books) -> Change:
    intent = sent["payment_intent"]
    key = intent["id"] if isinstance(intent, dict) else intent
    known = books.one("payment_intent", key) if key else None
    return (), {"invoice": (known or {}).get("invoice")}


def _payment_intent(sent: Document, books: Books) -> Change:
    known = books.one("payment_intent", sent["id"]) or {}
    return ("customer_account", "payment_record"), {"invoice": known.get("invoice")}


def _credit_note(sent: Document, _: Books) -> Change:
    refunds = [entry["refund"] for entry in sent["refunds"]]
    return (
        ("customer_account", "post_payment_amount", "pre_payment_amount", "refunds", "total_taxes"),
        {
            "refund": refunds[0] if refunds else None,
            "tax_amounts": _tax_amounts(sent["total_taxes"]),
        },
    )


_RULES: Mapping[str, Callable[[Document, Books], Change]] = {
    "subscription": _subscription,
    "subscription_item": _item,
    "discount": _discount,
    "invoice": _invoice,
    "line_item": _line,
    "charge": _charge,
    "payment_intent": _payment_intent,
    "credit_note": _credit_note,
}

CHANGED = frozenset(_RULES)
"""Kinds of which something has changed since."""
