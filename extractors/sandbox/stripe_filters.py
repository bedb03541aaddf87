"""What Stripe's lists can be filtered by, and the conditions that the filters become."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from extractors.sandbox import faults
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import StripeError, missing
from extractors.sandbox.stripe_events import EVENT_DAYS_KEPT
from extractors.sandbox.stripe_forms import Spec

Condition = tuple[str, list[Any]]
"""SQL, and the values of its question marks."""

MOST_TYPES = 20
_BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}
_ENDED = ("canceled", "incomplete_expired")
_NO_INVOICE = "json_extract(document, '$.invoice')"


def _equal(column: str) -> Callable[[Any], Condition]:
    sql = f"json_extract(document, '{column}')" if "$" in column else column
    return lambda value: (f"{sql} = ?", [value])


def _within(column: str) -> Callable[[Any], Condition]:
    sql = f"json_extract(document, '{column}')" if "$" in column else column

    def within(bounds: Mapping[str, int]) -> Condition:
        parts = [f"{sql} {_BOUNDS[bound]} ?" for bound in bounds]
        return " AND ".join(parts) or "1", list(bounds.values())

    return within


def _one_of(column: str) -> Callable[[Any], Condition]:
    def one_of(values: list[Any]) -> Condition:
        sql, _ = _equal(column)(None)
        return f"{sql.removesuffix(' = ?')} IN ({', '.join('?' * len(values))})", values

    return one_of


def _by_status(asked: str) -> Condition:
    """Ended subscriptions are listed only where they are asked for."""
    ended = f"({', '.join('?' * len(_ENDED))})"
    if asked == "all":
        return "1", []
    return (f"status IN {ended}", list(_ENDED)) if asked == "ended" else ("status = ?", [asked])


def _with_price(price: str) -> Condition:
    items = "json_each(document, '$.items.data')"
    sql = f"EXISTS (SELECT 1 FROM {items} WHERE json_extract(value, '$.price.id') = ?)"
    return sql, [price]


def _of_period(bound: str) -> Callable[[Any], Condition]:
    return _within(f"$.items.data[0].current_period_{bound}")


def _by_payment(payment: Mapping[str, Any]) -> Condition:
    parts = [(f"json_extract(document, '$.payment.{name}') = ?", v) for name, v in payment.items()]
    return " AND ".join(sql for sql, _ in parts) or "1", [value for _, value in parts]


def _by_recurring(recurring: Mapping[str, Any]) -> Condition:
    parts = [
        (f"json_extract(document, '$.recurring.{name}') = ?", value)
        for name, value in recurring.items()
    ]
    return " AND ".join(sql for sql, _ in parts) or "1", [value for _, value in parts]


def _event_type(asked: str) -> Condition:
    """One type, or all that begin alike: `customer.*`."""
    if asked == "*":
        return "1", []
    if asked.endswith(".*"):
        return "substr(parent, 1, ?) = ?", [len(asked) - 1, asked[:-1]]
    return "parent = ?", [asked]


def _event_types(asked: list[str]) -> Condition:
    if len(asked) > MOST_TYPES:
        message = f"Array types exceeded maximum {MOST_TYPES} allowed elements."
        raise StripeError(message, "array_too_long", "types")
    return _one_of("parent")(asked)


def _delivered(asked: bool) -> Condition:
    return f"json_extract(document, '$.pending_webhooks') {'=' if asked else '>'} 0", []


def _pending(asked: bool) -> Condition:
    return f"{_NO_INVOICE} IS {'' if asked else 'NOT '}NULL", []


def _scheduled(asked: bool) -> Condition:
    """Not started yet, or anything else."""
    return f"status {'=' if asked else '<>'} 'not_started'", []


_COLLECTION = frozenset({"charge_automatically", "send_invoice"})
_SUBSCRIPTION_STATUS = frozenset(
    {"active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due"}
    | {"paused", "trialing", "unpaid"}
)
_INVOICE_STATUS = frozenset({"draft", "open", "paid", "uncollectible", "void"})
_PAYMENT_TYPE = frozenset({"payment_intent", "payment_record"})
_USAGE_TYPE = frozenset({"licensed", "metered"})
_INTERVAL = frozenset({"day", "month", "week", "year"})

FILTERS: Mapping[str, Mapping[str, tuple[Spec, Callable[[Any], Condition]]]] = {
    "customer": {"email": ("text", _equal("$.email"))},
    "product": {"active": ("boolean", _equal("$.active")), "ids": (["text"], _one_of("id"))},
    "price": {
        "active": ("boolean", _equal("$.active")),
        "currency": ("text", _equal("$.currency")),
        "product": ("text", _equal("parent")),
        "type": (frozenset({"one_time", "recurring"}), _equal("$.type")),
        "lookup_keys": (["text"], _one_of("$.lookup_key")),
        "recurring": (
            {"interval": _INTERVAL, "meter": "text", "usage_type": _USAGE_TYPE},
            _by_recurring,
        ),
    },
    "plan": {"active": ("boolean", _equal("$.active")), "product": ("text", _equal("parent"))},
    "coupon": {},
    "subscription": {
        "customer": ("text", _equal("customer")),
        "status": (_SUBSCRIPTION_STATUS, _by_status),
        "price": ("text", _with_price),
        "plan": ("text", _with_price),
        "collection_method": (_COLLECTION, _equal("$.collection_method")),
        "current_period_start": ("range", _of_period("start")),
        "current_period_end": ("range", _of_period("end")),
    },
    "subscription_schedule": {
        "customer": ("text", _equal("customer")),
        "canceled_at": ("range", _within("$.canceled_at")),
        "completed_at": ("range", _within("$.completed_at")),
        "released_at": ("range", _within("$.released_at")),
        "scheduled": ("boolean", _scheduled),
    },
    "invoice": {
        "customer": ("text", _equal("customer")),
        "status": (_INVOICE_STATUS, _equal("status")),
        "subscription": ("text", _equal("parent")),
        "collection_method": (_COLLECTION, _equal("$.collection_method")),
        "due_date": ("range", _within("$.due_date")),
    },
    "invoiceitem": {
        "customer": ("text", _equal("customer")),
        "invoice": ("text", _equal("parent")),
        "pending": ("boolean", _pending),
    },
    "invoice_payment": {
        "invoice": ("text", _equal("parent")),
        "status": (frozenset({"canceled", "open", "paid"}), _equal("status")),
        "payment": (
            {"type": _PAYMENT_TYPE, "payment_intent": "text", "payment_record": "text"},
            _by_payment,
        ),
    },
    "payment_intent": {"customer": ("text", _equal("customer"))},
    "charge": {
        "customer": ("text", _equal("customer")),
        "payment_intent": ("text", _equal("parent")),
    },
    "refund": {
        "charge": ("text", _equal("parent")),
        "payment_intent": ("text", _equal("$.payment_intent")),
    },
    "dispute": {
        "charge": ("text", _equal("parent")),
        "payment_intent": ("text", _equal("$.payment_intent")),
    },
    "credit_note": {
        "customer": ("text", _equal("customer")),
        "invoice": ("text", _equal("parent")),
    },
    "balance_transaction": {
        "currency": ("text", _equal("$.currency")),
        "payout": ("text", _equal("parent")),
        "source": ("text", _equal("$.source")),
        "type": ("text", _equal("$.type")),
    },
    "payout": {
        "status": ("text", _equal("status")),
        "destination": ("text", _equal("$.destination")),
        "arrival_date": ("range", _within("$.arrival_date")),
    },
    "billing.meter": {
        "status": (frozenset({"active", "inactive"}), _equal("status")),
    },
    "event": {
        "type": ("text", _event_type),
        "types": (["text"], _event_types),
        "delivery_success": ("boolean", _delivered),
    },
}

_KEPT_AS = {"plan": "price"}


def conditions(store: Store, kind: str, asked: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The WHERE clause of a list, and its values."""
    kept = _KEPT_AS.get(kind, kind)
    found: list[Condition] = [("account = ? AND object = ?", [store.account, kept])]
    found.append(("deleted = 0", []))
    if asked.get("created"):
        found.append(_within("created")(asked["created"]))
    for name, (_, condition) in FILTERS[kind].items():
        if asked.get(name) is not None:
            found.append(condition(asked[name]))
    if kind == "subscription" and asked.get("status") is None:
        found.append((f"status NOT IN ({', '.join('?' * len(_ENDED))})", list(_ENDED)))
    if kind == "balance_transaction" and asked.get("payout"):
        _require_automatic(store, asked["payout"])
    if kind == "event":
        found.append(("created >= ?", [oldest_event(store)]))
    found += visible(store, kind)
    where = " AND ".join(sql for sql, _ in found)
    return where, [value for _, values in found for value in values]


def _require_automatic(store: Store, payout_id: str) -> None:
    """Of a payout that was asked for by hand the vendor does not say what it took up."""
    payout = store.get("stripe", "payout", payout_id)
    if payout is None:
        raise missing("payout", payout_id, "payout", 404)
    if not payout["automatic"]:
        message = (
            "Balance transaction history can only be filtered on automatic payouts, not manual."
        )
        raise StripeError(message, None, "payout")


def oldest_event(store: Store) -> int:
    """The unix second since which events are kept."""
    return int((store.now() - timedelta(days=EVENT_DAYS_KEPT)).timestamp())


def visible(store: Store, kind: str) -> list[Condition]:
    """What of a kind is shown: not what a fault hides, nor what a replica has not got yet."""
    found: list[Condition] = []
    hidden = faults.dropped(store, "stripe", kind)
    if hidden:
        found.append((f"id NOT IN ({', '.join('?' * len(hidden))})", sorted(hidden)))
    until = faults.visible_until(store, "stripe", kind)
    if until is not None:
        found.append(("created <= ?", [int(until.timestamp())]))
    return found
