"""Stripe's lists: newest first, filtered, paged by the ids of the last or first seen."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from extractors.sandbox import documents, faults
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_events import EVENT_DAYS_KEPT
from extractors.sandbox.stripe_forms import StripeError, checked, require
from extractors.sandbox.stripe_shapes import (
    FIELDS,
    Document,
    expansion,
    list_object,
    render,
    render_part,
)

LARGEST_PAGE = 100
DEFAULT_PAGE = 10

_PAGING: dict[str, Any] = {
    "limit": "integer",
    "starting_after": "text",
    "ending_before": "text",
    "expand": ["text"],
}
_CREATED: dict[str, Any] = {**_PAGING, "created": "range"}

# Per object: its filters and the column or JSON path that each is compared with.
_FILTERS: dict[str, dict[str, str]] = {
    "customer": {"email": "$.email"},
    "product": {"active": "$.active"},
    "price": {"active": "$.active", "currency": "$.currency", "product": "parent"},
    "subscription": {"customer": "customer", "status": "status"},
    "invoice": {
        "customer": "customer",
        "status": "status",
        "subscription": "parent",
        "collection_method": "$.collection_method",
    },
    "invoice_payment": {"invoice": "parent", "status": "status"},
    "charge": {"customer": "customer", "payment_intent": "parent"},
    "coupon": {},
    "event": {"type": "$.type"},
}
_BOOLEANS = {"active"}
_ENDED = ("canceled", "incomplete_expired")
_BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}

Condition = tuple[str, list[Any]]


def list_page(store: Store, kind: str, parameters: Mapping[str, Any], url: str) -> Document:
    """One page of the objects of a kind."""
    specs = _CREATED | {name: "boolean" if name in _BOOLEANS else "text" for name in _FILTERS[kind]}
    if kind == "event":
        specs["types"] = ["text"]
    asked = checked(parameters, specs)
    limit = _limit(asked)
    tree = expansion(asked.get("expand") or [], kind, is_list=True)
    where, values = _conditions(store, kind, asked)
    backwards = bool(asked.get("ending_before"))
    cursor = _cursor(store, kind, asked)
    if cursor:
        where += f" AND (created, seq) {'>' if backwards else '<'} (?, ?)"
        values.extend(cursor)
    order = "ASC" if backwards else "DESC"
    sql = f"SELECT document FROM stripe WHERE {where} ORDER BY created {order}, seq {order} LIMIT ?"
    found = store.query(sql, [*values, limit + 1])
    page = [documents.load(text) for (text,) in found[:limit]]
    if backwards:
        page.reverse()
    data = [render(store, kind, document, tree) for document in page]
    return list_object(data, url, has_more=len(found) > limit)


def list_parts(
    store: Store, kind: str, owner_id: str, name: str, parameters: Mapping[str, Any]
) -> Document:
    """One page of a list inside an object: an invoice's lines, a subscription's items."""
    asked = checked(parameters, _PAGING)
    limit = _limit(asked)
    owner = store.get("stripe", kind, owner_id)
    if owner is None or owner.get("deleted"):
        raise missing(kind, owner_id)
    field = FIELDS[kind][name]
    tree = expansion(asked.get("expand") or [], field.kind, is_list=True)
    parts = (owner.get(name) or {"data": []})["data"]
    parts = _after(parts, asked.get("starting_after"))
    data = [render_part(store, owner, field, part, tree) for part in parts[:limit]]
    url = field.url.format(id=owner_id).partition("?")[0]
    return list_object(data, url, has_more=len(parts) > limit)


def list_subscription_items(store: Store, parameters: Mapping[str, Any]) -> Document:
    require(parameters, "subscription")
    rest = {name: value for name, value in parameters.items() if name != "subscription"}
    return list_parts(store, "subscription", str(parameters["subscription"]), "items", rest)


def missing(kind: str, record_id: str, param: str = "id", status: int = 404) -> StripeError:
    message = f"No such {kind.replace('_', ' ')}: '{record_id}'"
    return StripeError(message, "resource_missing", param, status)


def _after(parts: Sequence[Any], last_seen: str | None) -> Sequence[Any]:
    if last_seen is None:
        return parts
    for position, part in enumerate(parts):
        if part["id"] == last_seen:
            return parts[position + 1 :]
    raise missing("line item", last_seen, "starting_after", 400)


def _limit(asked: Mapping[str, Any]) -> int:
    limit = asked.get("limit", DEFAULT_PAGE)
    if not 1 <= limit <= LARGEST_PAGE:
        message = f"Limit must be between 1 and {LARGEST_PAGE}: {limit}"
        raise StripeError(message, "parameter_invalid_integer", "limit")
    return int(limit)


def _cursor(store: Store, kind: str, asked: Mapping[str, Any]) -> tuple[int, int] | None:
    """Creation time and sequence of the object that the page is to follow or precede."""
    for param in ("starting_after", "ending_before"):
        if asked.get(param):
            sql = "SELECT created, seq FROM stripe WHERE id = ? AND object = ?"
            found = store.query(sql, (asked[param], kind))
            if not found:
                raise missing(kind, asked[param], param, 400)
            return found[0][0], found[0][1]
    return None


def _conditions(store: Store, kind: str, asked: Mapping[str, Any]) -> tuple[str, list[Any]]:
    conditions: list[Condition] = [("object = ?", [kind]), ("deleted = 0", [])]
    for bound, at in asked.get("created", {}).items():
        conditions.append((f"created {_BOUNDS[bound]} ?", [at]))
    for name, column in _FILTERS[kind].items():
        if asked.get(name) is not None and (kind, name) != ("subscription", "status"):
            compared = f"json_extract(document, '{column}')" if "$" in column else column
            conditions.append((f"{compared} = ?", [asked[name]]))
    if kind == "subscription":
        conditions.append(_status(asked.get("status")))
    if kind == "event":
        conditions += _events(store, asked)
    conditions += _visible(store, kind)
    where = " AND ".join(sql for sql, _ in conditions)
    return where, [value for _, values in conditions for value in values]


def _status(asked: str | None) -> Condition:
    """Ended subscriptions are listed only where they are asked for."""
    ended = f"({', '.join('?' * len(_ENDED))})"
    if asked is None:
        return f"status NOT IN {ended}", list(_ENDED)
    if asked == "all":
        return "1", []
    return (f"status IN {ended}", list(_ENDED)) if asked == "ended" else ("status = ?", [asked])


def _events(store: Store, asked: Mapping[str, Any]) -> list[Condition]:
    oldest = int((store.now() - timedelta(days=EVENT_DAYS_KEPT)).timestamp())
    conditions: list[Condition] = [("created >= ?", [oldest])]
    types = asked.get("types")
    if types:
        marks = ", ".join("?" * len(types))
        conditions.append((f"json_extract(document, '$.type') IN ({marks})", list(types)))
    return conditions


def _visible(store: Store, kind: str) -> list[Condition]:
    conditions: list[Condition] = []
    hidden = faults.dropped(store, "stripe", kind)
    if hidden:
        conditions.append((f"id NOT IN ({', '.join('?' * len(hidden))})", sorted(hidden)))
    until = faults.visible_until(store, "stripe", kind)
    if until is not None:
        conditions.append(("created <= ?", [int(until.timestamp())]))
    return conditions
