"""How kept Stripe documents are sent: expanded where asked, embedded lists cut at ten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_forms import StripeError

EMBEDDED = 10
DEEPEST_EXPANSION = 4

Document = dict[str, Any]
Tree = dict[str, Any]
"""What is to be expanded: {"data": {"tax_ids": {}}}."""


@dataclass(frozen=True)
class Field:
    """How one field of an object is kept and sent.

    ref: an id, the object itself when expanded. hidden: a list that is only there when expanded.
    page: a list of which ten are embedded. inner: always whole. collapsed: a plain list of objects,
    sent as ids unless expanded. kept: an object that is sent as its id, unless expanded, where it
    is also an object of its own.
    """

    how: Literal["ref", "hidden", "page", "inner", "collapsed", "kept"]
    kind: str
    url: str = ""


_DISCOUNTS = {"discounts": Field("collapsed", "discount")}
_CUSTOMER = {"customer": Field("ref", "customer")}

FIELDS: dict[str, dict[str, Field]] = {
    "customer": {"tax_ids": Field("hidden", "tax_id", "/v1/customers/{id}/tax_ids")},
    "price": {"product": Field("ref", "product")},
    "subscription": {
        "items": Field("page", "subscription_item", "/v1/subscription_items?subscription={id}"),
        **_CUSTOMER,
        **_DISCOUNTS,
    },
    "subscription_item": {"price": Field("inner", "price"), **_DISCOUNTS},
    "discount": {"source": Field("inner", "discount_source")},
    "discount_source": {"coupon": Field("kept", "coupon")},
    "invoice": {
        "lines": Field("page", "line_item", "/v1/invoices/{id}/lines"),
        **_CUSTOMER,
        **_DISCOUNTS,
    },
    "line_item": _DISCOUNTS,
    "invoice_payment": {"invoice": Field("ref", "invoice")},
    "charge": _CUSTOMER,
}

_WITH_METADATA = {"customer", "product", "price", "subscription", "invoice", "charge"}
_PARTS_WITH_METADATA = {"subscription_item", "line_item"}


def expansion(paths: Sequence[str], kind: str, *, is_list: bool) -> Tree:
    """The tree of `expand[]` paths; a path that leads nowhere raises."""
    tree: Tree = {}
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST_EXPANSION:
            message = f"You cannot expand more than {DEEPEST_EXPANSION} levels of a property"
            raise StripeError(f"{message}. Property: {path}", None, "expand")
        rest = parts
        if is_list:
            if parts[0] != "data":
                raise _not_expandable(path)
            rest = parts[1:]
        _require_expandable(kind, rest, path)
        level = tree
        for part in rest:
            level = level.setdefault(part, {})
    return tree


def _require_expandable(kind: str, parts: Sequence[str], path: str) -> None:
    for position, part in enumerate(parts):
        if part == "data" and position and parts[position - 1] in {"items", "lines", "tax_ids"}:
            continue
        field = FIELDS.get(kind, {}).get(part)
        if field is None:
            raise _not_expandable(path)
        kind = field.kind


def _not_expandable(path: str) -> StripeError:
    return StripeError(f"This property cannot be expanded ({path}).", None, "expand")


def render(store: Store, kind: str, document: Mapping[str, Any], tree: Tree) -> Document:
    """A document as it is sent."""
    if document.get("deleted"):
        return {"id": document["id"], "object": kind, "deleted": True}
    sent: Document = dict(document)
    if kind in FIELDS or kind in _WITH_METADATA:
        sent = {"object": kind, "livemode": False, **sent}
    if kind in _WITH_METADATA or kind in _PARTS_WITH_METADATA:
        sent.setdefault("metadata", {})
    for name, field in FIELDS.get(kind, {}).items():
        if sent.get(name) is not None:
            _render_field(store, sent, name, field, tree.get(name))
    return sent


def _render_field(store: Store, sent: Document, name: str, field: Field, tree: Tree | None) -> None:
    value = sent[name]
    if field.how == "ref":
        if tree is not None:
            target = store.get("stripe", field.kind, value)
            sent[name] = render(store, field.kind, target, tree) if target else value
    elif field.how == "kept":
        is_known = store.get("stripe", field.kind, value["id"]) if "id" in value else None
        sent[name] = value["id"] if is_known and tree is None else value
    elif field.how == "inner":
        sent[name] = render(store, field.kind, value, tree or {})
    elif field.how == "collapsed":
        sent[name] = _collapsed(store, sent, field, value, tree)
    elif field.how == "hidden" and tree is None:
        del sent[name]
    else:
        url = field.url.format(id=sent["id"])
        inside = (tree or {}).get("data", {})
        parts = [render_part(store, sent, field, part, inside) for part in value["data"]]
        sent[name] = list_object(parts[:EMBEDDED], url, has_more=len(parts) > EMBEDDED)


def render_part(
    store: Store, owner: Document, field: Field, part: Mapping[str, Any], tree: Tree
) -> Document:
    """An element of an embedded list; it knows its owner."""
    back = {owner["object"]: owner["id"]} if field.kind != "tax_id" else {"customer": owner["id"]}
    return render(store, field.kind, {"object": field.kind, **part, **back}, tree)


def _collapsed(
    store: Store, owner: Document, field: Field, value: Sequence[Any], tree: Tree | None
) -> list[Any]:
    whole = [{"id": f"di_{owner['id']}_{position}", **part} for position, part in enumerate(value)]
    if tree is None:
        return [part["id"] for part in whole]
    return [render(store, field.kind, part, tree) for part in whole]


def list_object(data: list[Document], url: str, *, has_more: bool) -> Document:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
