"""How Stripe documents are kept and how they are sent.

Kept: every field, embedded lists whole, discounts and coupons as objects. Sent: embedded lists cut
at ten, what is expandable as an id unless it was asked for. Nothing here reads a store but through
the `Books` that it is given.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from extractors.sandbox.ids import STRIPE_PREFIXES
from extractors.sandbox.stripe_defaults import DEFAULTS
from extractors.sandbox.stripe_fields import FIELDS, INNER_KINDS, LISTS, SOURCE, Field
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


_KINDS_BY_PREFIX = {prefix: kind for kind, prefix in STRIPE_PREFIXES.items()}


def kind_of(record_id: str) -> str | None:
    """The kind of object that an id names."""
    return _KINDS_BY_PREFIX.get(record_id.rpartition("_")[0])


def complete(kind: str, document: Mapping[str, Any]) -> Document:
    """A document with every field that the vendor sends, as it is kept."""
    if document.get("deleted"):
        return {**document, "object": kind}
    whole: Document = {**DEFAULTS.get(kind, _NOTHING), **document}
    if kind not in INNER_KINDS:
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
    is_folded = field.how in {"hidden", "unfolded"} and tree is None
    if value is None or field.how == "secret" or is_folded:
        return None
    if field.how in LISTS:
        return _page(field, value, owner, tree or _NOTHING, books)
    if field.how in {"inner", "unfolded"}:
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
