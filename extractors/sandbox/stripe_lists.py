"""Stripe's lists: newest first, filtered, paged by the ids of the last or first seen."""

from collections.abc import Mapping, Sequence
from typing import Any

from extractors.sandbox import documents
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_caller import Caller
from extractors.sandbox.stripe_errors import StripeError, missing, only_one_of
from extractors.sandbox.stripe_fields import FIELDS
from extractors.sandbox.stripe_filters import FILTERS, conditions
from extractors.sandbox.stripe_follows import plan_of
from extractors.sandbox.stripe_forms import checked
from extractors.sandbox.stripe_shapes import Document, Tree, list_object

LARGEST_PAGE = 100
DEFAULT_PAGE = 10

PAGING: dict[str, Any] = {
    "limit": "integer",
    "starting_after": "text",
    "ending_before": "text",
    "expand": ["text"],
}


_NOT_BY_CREATED = {"billing.meter"}
"""Kinds whose lists cannot be asked for a time of creation."""


def list_specs(kind: str) -> dict[str, Any]:
    """The parameters of the list of a kind."""
    by_created = {} if kind in _NOT_BY_CREATED else {"created": "range"}
    return {**PAGING, **by_created} | {name: spec for name, (spec, _) in FILTERS[kind].items()}


def list_page(caller: Caller, kind: str, parameters: Mapping[str, Any], url: str) -> bytes:
    """One page of the objects of a kind."""
    asked = checked(parameters, list_specs(kind))
    only_one_of(asked, "starting_after", "ending_before")
    only_one_of(asked, "type", "types")
    limit = limit_of(asked)
    tree = caller.expansion(asked.get("expand"), kind, is_list=True)
    where, values = conditions(caller.store, kind, asked)
    backwards = bool(asked.get("ending_before"))
    cursor = _cursor(caller.store, kind, asked)
    if cursor:
        where += f" AND (created, seq) {'>' if backwards else '<'} (?, ?)"
        values.extend(cursor)
    order = "ASC" if backwards else "DESC"
    is_whole = kind == "plan" or caller.changes(kind, tree)
    column = "document" if is_whole else "coalesce(sent, document)"
    sql = f"SELECT {column} FROM stripe WHERE {where} ORDER BY created {order}, seq {order} LIMIT ?"
    texts = [text for (text,) in caller.store.query(sql, [*values, limit + 1])]
    has_more = len(texts) > limit
    del texts[limit:]
    if backwards:
        texts.reverse()
    if is_whole:
        texts = [_whole(caller, kind, text, tree) for text in texts]
    return _page(texts, url, has_more=has_more)


def _whole(caller: Caller, kind: str, text: str, tree: Tree) -> str:
    document = documents.load(text)
    if kind == "plan":
        document = plan_of(document)
    return documents.dump(caller.sent(kind, document, tree))


def _page(texts: Sequence[str], url: str, *, has_more: bool) -> bytes:
    head = f'{{"object":"list","url":{documents.dump(url)},"has_more":{str(has_more).lower()}'
    return f'{head},"data":[{",".join(texts)}]}}'.encode()


def list_parts(
    caller: Caller, kind: str, owner_id: str, name: str, parameters: Mapping[str, Any]
) -> Document:
    """One page of a list inside an object: an invoice's lines, a subscription's items."""
    asked = checked(parameters, PAGING)
    only_one_of(asked, "starting_after", "ending_before")
    limit = limit_of(asked)
    owner = caller.store.get("stripe", kind, owner_id)
    if owner is None or owner.get("deleted"):
        raise missing(kind, owner_id)
    field = FIELDS[kind][name]
    tree = caller.expansion(asked.get("expand"), field.kind, is_list=True)
    parts = (owner.get(name) or {"data": []})["data"]
    chosen, has_more = part_of(parts, asked, limit, field.kind)
    data = [caller.sent(field.kind, part, tree) for part in chosen]
    url = field.url.format(id=owner_id).partition("?")[0]
    return list_object(data, url, has_more=has_more)


def part_of(
    parts: Sequence[Document], asked: Mapping[str, Any], limit: int, kind: str
) -> tuple[Sequence[Document], bool]:
    """The page of `parts` that the cursors ask for, and whether there is more."""
    ids = [part["id"] for part in parts]
    for param in ("starting_after", "ending_before"):
        if asked.get(param) and asked[param] not in ids:
            raise missing(kind, asked[param], param, 400)
    if asked.get("ending_before"):
        end = ids.index(asked["ending_before"])
        return parts[max(end - limit, 0) : end], end > limit
    start = ids.index(asked["starting_after"]) + 1 if asked.get("starting_after") else 0
    return parts[start : start + limit], len(parts) > start + limit


def limit_of(asked: Mapping[str, Any]) -> int:
    limit = asked.get("limit", DEFAULT_PAGE)
    if limit < 1:
        message = "This value must be greater than or equal to 1."
        raise StripeError(message, "parameter_invalid_integer", "limit")
    if limit > LARGEST_PAGE:
        message = (
            f"This value must be less than or equal to {LARGEST_PAGE} (it currently is '{limit}')."
        )
        raise StripeError(message, "parameter_invalid_integer", "limit")
    return int(limit)


def _cursor(store: Store, kind: str, asked: Mapping[str, Any]) -> tuple[int, int] | None:
    """Creation time and sequence of the object that the page is to follow or precede."""
    for param in ("starting_after", "ending_before"):
        if asked.get(param):
            kept = "price" if kind == "plan" else kind
            sql = "SELECT created, seq FROM stripe WHERE id = ? AND object = ? AND account = ?"
            found = store.query(sql, (asked[param], kept, store.account))
            if not found:
                raise missing(kind, asked[param], param, 400)
            return found[0][0], found[0][1]
    return None
