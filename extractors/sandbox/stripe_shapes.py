"""How Stripe documents are kept and how they are sent.

Kept: every field, embedded lists whole, discounts and coupons as objects. Sent: embedded lists cut
at ten, what is expandable as an id unless it was asked for. Nothing here reads a store but through
the `Books` that it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from extractors.sandbox.ids import STRIPE_PREFIXES
from extractors.sandbox.stripe_defaults import DEFAULTS
from extractors.sandbox.stripe_follows import FOLLOWS

EMBEDDED = 10

Document = dict[str, Any]
Tree = Mapping[str, Any]
"""What is to be expanded: {"data": {"tax_ids": {}}}."""

_NOTHING: Tree = {}


class Books(Protocol):
    """Where the objects are found that an answer expands."""

    def one(self, kind: str, record_id: str) -> Document | None: ...

    def those(self, kind: str, column: str, value: str) -> list[Document]: ...


@dataclass(frozen=True)
class Field:
    """How one field of an object is kept and sent.

    ref: an id, the object itself when expanded. page: a list of which ten are embedded. hidden: a
    list that is only there when expanded. found: the same, but not kept here: what names this
    object in the column `by`. inner: an object, or a plain list of them, always whole. collapsed: a
    plain list of objects, sent as ids unless expanded. kept: an object that is sent as its id where
    it is an object of its own too, unless expanded. secret: never sent.

    `back` is the field by which the elements of a list name their owner.
    """

    how: Literal["ref", "page", "hidden", "found", "inner", "collapsed", "kept", "secret"]
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
    "product": _refs("default_price:price"),
    "price": {
        "recurring": Field("inner", "recurring"),
        "tiers": Field("hidden", "tier"),
        **_refs("product"),
    },
    "plan": {"tiers": Field("hidden", "tier"), **_refs("product")},
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

_INNER_KINDS = {
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

_KINDS_BY_PREFIX = {prefix: kind for kind, prefix in STRIPE_PREFIXES.items()}


def kind_of(record_id: str) -> str | None:
    """The kind of object that an id names."""
    return _KINDS_BY_PREFIX.get(record_id.rpartition("_")[0])


def complete(kind: str, document: Mapping[str, Any]) -> Document:
    """A document with every field that the vendor sends, as it is kept."""
    if document.get("deleted"):
        return {**document, "object": kind}
    whole: Document = {**DEFAULTS.get(kind, _NOTHING), **document}
    if kind not in _INNER_KINDS:
        whole["object"] = kind
    for name, field in FIELDS.get(kind, _NOTHING).items():
        if whole.get(name):
            whole[name] = _completed(field, whole[name], whole)
    if kind in FOLLOWS:
        whole |= FOLLOWS[kind](whole)
    return whole


def _completed(field: Field, value: Any, owner: Document) -> Any:
    if field.how in {"page", "hidden"}:
        back = {field.back: owner["id"]} if field.back else {}
        since = {"created": owner.get("created")} if field.kind == "tax_id" else {}
        parts = [complete(field.kind, {**since, **part, **back}) for part in value["data"]]
        return list_object(parts, field.url.format(id=owner["id"]), has_more=False)
    if field.how not in {"inner", "collapsed"}:
        return value
    if isinstance(value, Mapping):
        return complete(field.kind, value)
    return [complete(field.kind, e) if isinstance(e, Mapping) else e for e in value]


def render(
    kind: str, document: Document, tree: Tree = _NOTHING, books: Books | None = None
) -> Document:
    """A kept document as it is sent: the very same where nothing of it changes."""
    if document.get("deleted"):
        return {"id": document["id"], "object": kind, "deleted": True}
    sent = document
    for name, field in FIELDS.get(kind, _NOTHING).items():
        before = document.get(name)
        after = _rendered(field, before, document, tree.get(name), books)
        if after is not before or (field.how == "secret" and name in sent):
            sent = {**sent, name: after}
            if after is None:
                del sent[name]
    return sent


def _rendered(
    field: Field, value: Any, owner: Document, tree: Tree | None, books: Books | None
) -> Any:
    """The value of a field as it is sent; None where it is left out."""
    if field.how == "found" and tree is not None and books is not None:
        return _found(field, owner, tree, books)
    if value is None or field.how == "secret" or (field.how == "hidden" and tree is None):
        return None
    if field.how in LISTS:
        return _page(field, value, owner, tree or _NOTHING, books)
    if field.how == "inner":
        return _inner(field.kind, value, tree or _NOTHING, books)
    if field.how == "collapsed":
        return _collapsed(field.kind, value, owner, tree, books)
    return _reference(field, value, tree, books)


def _reference(field: Field, value: Any, tree: Tree | None, books: Books | None) -> Any:
    if tree is not None and books is not None:
        return _expanded(field, value, tree, books)
    is_known = (
        field.how == "kept" and books and "id" in value and books.one(field.kind, value["id"])
    )
    return value["id"] if is_known else value


def _expanded(field: Field, value: Any, tree: Tree, books: Books) -> Any:
    if field.how == "kept":
        return value
    kind = kind_of(value) if field.kind == SOURCE else field.kind
    target = books.one(kind, value) if kind else None
    return render(str(kind), target, tree, books) if target else value


def _inner(kind: str, value: Any, tree: Tree, books: Books | None) -> Any:
    if isinstance(value, dict):
        return render(kind, value, tree, books)
    parts = [render(kind, part, tree, books) for part in value]
    return value if _same(parts, value) else parts


def _page(field: Field, value: Any, owner: Document, tree: Tree, books: Books | None) -> Any:
    kept = value["data"]
    parts = [render(field.kind, p, tree.get("data", _NOTHING), books) for p in kept[:EMBEDDED]]
    if len(kept) <= EMBEDDED and _same(parts, kept):
        return value
    url = field.url.format(id=owner["id"])
    return list_object(parts, url, has_more=len(kept) > EMBEDDED)


def _found(field: Field, owner: Document, tree: Tree, books: Books) -> Document:
    found = books.those(field.kind, field.by, owner["id"])
    inside = tree.get("data", _NOTHING)
    parts = [render(field.kind, part, inside, books) for part in found[:EMBEDDED]]
    url = field.url.format(id=owner["id"])
    return list_object(parts, url, has_more=len(found) > EMBEDDED)


def _collapsed(
    kind: str, value: Sequence[Any], owner: Document, tree: Tree | None, books: Books | None
) -> Any:
    if not value or isinstance(value[0], str):
        return value
    whole = [{"id": f"di_{owner['id']}_{place}", **part} for place, part in enumerate(value)]
    if tree is None:
        return [part["id"] for part in whole]
    return [render(kind, part, tree, books) for part in whole]


def _same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return all(a is b for a, b in zip(left, right, strict=True))


def list_object(data: list[Document], url: str, *, has_more: bool) -> Document:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
