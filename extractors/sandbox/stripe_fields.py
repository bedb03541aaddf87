"""Which fields of Stripe's objects hold other objects, and how each is kept and sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Field:
    """How one field of an object is kept and sent.

    ref: an id, the object itself when expanded. page: a list of which ten are embedded. hidden: a
    list that is only there when expanded. unfolded: the same, as a plain list. found: the same, but
    not kept here: what names this object in the column `by`. inner: an object, or a plain list of
    them, always whole. collapsed: a plain list of objects, sent as ids unless expanded. kept: an
    object that is sent as its id where it is an object of its own too, unless expanded. secret:
    never sent.

    `back` is the field by which the elements of a list name their owner.
    """

    how: Literal[
        "ref", "page", "hidden", "unfolded", "found", "inner", "collapsed", "kept", "secret"
    ]
    kind: str = ""
    url: str = ""
    back: str = ""
    by: str = "parent"


def _refs(names: str) -> dict[str, Field]:
    """`"customer latest_invoice:invoice"`: references by the name of the field."""
    pairs = (word.partition(":") for word in names.split())
    return {name: Field("ref", kind or name) for name, _, kind in pairs}


_DISCOUNTS = {"discounts": Field("collapsed", "discount")}
_TAXES = Field("inner", "tax")
LISTS = ("page", "hidden", "found")
SOURCE = "source"
"""The kind of a reference that may lead to objects of several kinds."""

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "customer": {
        "address": Field("inner", "address"),
        "tax_ids": Field("hidden", "tax_id", "/v1/customers/{id}/tax_ids", back="customer"),
        "subscriptions": Field(
            "found", "subscription", "/v1/customers/{id}/subscriptions", by="customer"
        ),
        "sources": Field("found", "card", "/v1/customers/{id}/sources", by="customer"),
    },
    "billing.meter_event": {"customer": Field("secret"), "id": Field("secret")},
    "product": _refs("default_price:price"),
    "price": {
        "recurring": Field("inner", "recurring"),
        "tiers": Field("unfolded", "tier"),
        **_refs("product"),
    },
    "coupon": {"applies_to": Field("unfolded", "coupon_products")},
    "plan": {"tiers": Field("unfolded", "tier"), **_refs("product")},
    "subscription": {
        "items": Field(
            "page", "subscription_item", "/v1/subscription_items?subscription={id}", "subscription"
        ),
        **_refs("customer latest_invoice:invoice schedule:subscription_schedule"),
        **_DISCOUNTS,
    },
    "subscription_item": {
        "price": Field("inner", "price"),
        "plan": Field("inner", "plan"),
        **_DISCOUNTS,
    },
    "subscription_schedule": {
        "phases": Field("inner", "schedule_phase"),
        **_refs("customer subscription"),
    },
    "schedule_phase": {"items": Field("inner", "schedule_item")},
    "schedule_item": _refs("price"),
    "discount": {"source": Field("inner", "discount_source"), **_refs("customer")},
    "discount_source": {"coupon": Field("kept", "coupon")},
    "invoice": {
        "lines": Field("page", "line_item", "/v1/invoices/{id}/lines", "invoice"),
        "payments": Field("found", "invoice_payment", "/v1/invoice_payments?invoice={id}"),
        "status_transitions": Field("inner", "invoice_transitions"),
        "total_taxes": _TAXES,
        **_refs("customer"),
        **_DISCOUNTS,
    },
    "line_item": {
        "pricing": Field("inner", "line_pricing"),
        "taxes": _TAXES,
        **_refs("subscription"),
        **_DISCOUNTS,
    },
    "invoiceitem": {
        "created": Field("secret"),
        "pricing": Field("inner", "line_pricing"),
        **_refs("customer invoice"),
        **_DISCOUNTS,
    },
    "invoice_payment": {
        "payment": Field("inner", "payment_of_invoice"),
        "status_transitions": Field("inner", "payment_transitions"),
        **_refs("invoice"),
    },
    "payment_of_invoice": _refs("charge payment_intent"),
    "line_pricing": {"price_details": Field("inner", "line_price")},
    "line_price": _refs("price"),
    "payment_intent": {
        "invoice": Field("secret"),
        **_refs("customer latest_charge:charge"),
    },
    "charge": {
        "refunds": Field("found", "refund", "/v1/charges/{id}/refunds"),
        **_refs("customer payment_intent balance_transaction"),
    },
    "refund": _refs("charge payment_intent balance_transaction customer"),
    "dispute": _refs("charge payment_intent"),
    "balance_transaction": {"payout": Field("secret"), **_refs("source")},
    "payout": _refs("balance_transaction"),
    "credit_note": {
        "lines": Field("page", "credit_note_line_item", "/v1/credit_notes/{id}/lines"),
        "refunds": Field("inner", "credit_note_refund"),
        "total_taxes": _TAXES,
        **_refs("customer invoice"),
    },
    "credit_note_line_item": {"taxes": _TAXES},
    "credit_note_refund": _refs("refund"),
}

INNER_KINDS = {
    "address",
    "recurring",
    "discount_source",
    "invoice_transitions",
    "payment_transitions",
    "payment_of_invoice",
    "line_pricing",
    "line_price",
    "credit_note_refund",
    "schedule_phase",
    "schedule_item",
    "tax",
}
"""Objects inside of others: they have neither an id nor an `object`."""
