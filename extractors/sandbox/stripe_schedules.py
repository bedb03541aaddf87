"""Stripe's subscription schedules: the phases in which a subscription will change.

A schedule is laid over a running subscription or begins in the future. It stays a plan: its phases
do not begin by themselves when the sandbox's clock reaches them.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_balance import DAY
from extractors.sandbox.stripe_errors import StripeError, not_allowed, only_one_of
from extractors.sandbox.stripe_operations import (
    COLLECTION,
    METADATA,
    PRORATION,
    Operation,
    change,
    create,
    live,
    named,
    now,
)
from extractors.sandbox.stripe_shapes import Document
from extractors.sandbox.world.moments import boundary, moment

_INTERVAL = frozenset({"day", "week", "month", "year"})
_END = frozenset({"cancel", "none", "release", "renew"})
_DISCOUNTS: dict[str, Any] = {"discounts": [{"coupon": "text"}]}
_PHASE: dict[str, Any] = {
    "collection_method": COLLECTION,
    "currency": "text",
    "description": "text",
    "duration": {"interval": _INTERVAL, "interval_count": "integer"},
    "end_date": "integer",
    "items": [{"price": "text", "quantity": "count", **_DISCOUNTS, **METADATA}],
    "proration_behavior": PRORATION,
    **_DISCOUNTS,
    **METADATA,
}
_OVER = {"canceled", "completed", "released"}
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def _create(store: Store, asked: dict[str, Any], _: str) -> Document:
    only_one_of(asked, "from_subscription", "customer")
    if asked.get("from_subscription"):
        return _lay_over(store, asked)
    if not asked.get("customer") or not asked.get("phases"):
        name = "phases" if asked.get("customer") else "customer"
        raise StripeError(f"Missing required param: {name}.", "parameter_missing", name)
    customer = named(store, "customer", asked["customer"], "customer")
    start = now(store) if asked.get("start_date") in {None, "now"} else _second(asked)
    if start <= now(store):
        message = "A schedule that starts now is made from its subscription: `from_subscription`."
        raise StripeError(message, None, "start_date")
    currency = customer.get("currency") or "usd"
    phases = _phases(store, asked["phases"], start, currency)
    names = ("default_settings", "end_behavior", "metadata")
    known = {name: asked[name] for name in names if name in asked}
    _require_due_date(known.get("default_settings") or {})
    fields = {"customer": customer["id"], "phases": phases, "status": "not_started", **known}
    return create(store, "subscription_schedule", fields)


def _require_due_date(settings: Mapping[str, Any]) -> None:
    """An invoice that is sent has to say until when it is paid."""
    days = (settings.get("invoice_settings") or {}).get("days_until_due")
    if settings.get("collection_method") == "send_invoice" and days is None:
        name = "default_settings[invoice_settings][days_until_due]"
        raise StripeError(f"Missing required param: {name}.", "parameter_missing", name)


def _second(asked: Mapping[str, Any]) -> int:
    if not str(asked["start_date"]).isdecimal():
        raise StripeError(f"Invalid timestamp: {asked['start_date']}", None, "start_date")
    return int(asked["start_date"])


def _lay_over(store: Store, asked: Mapping[str, Any]) -> Document:
    """A schedule whose first phase is what the subscription is now."""
    key = asked["from_subscription"]
    if asked.keys() - {"from_subscription", "expand", "metadata"}:
        message = "You cannot set `phases` or `end_behavior` together with `from_subscription`."
        raise StripeError(message, None, "from_subscription")
    subscription = named(store, "subscription", key, "from_subscription")
    if subscription["schedule"]:
        message = (
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"{subscription['schedule']}."
        )
        raise StripeError(message, None, "from_subscription")
    if subscription["status"] in {"canceled", "incomplete_expired"}:
        raise StripeError("The subscription has ended.", None, "from_subscription")
    items = subscription["items"]["data"]
    start, end = items[0]["current_period_start"], items[0]["current_period_end"]
    copied = ("quantity", "metadata")
    phase = {
        "currency": subscription["currency"],
        "end_date": end,
        "items": [
            {"price": item["price"]["id"]} | {name: item[name] for name in copied} for item in items
        ],
        "start_date": start,
    }
    made = create(
        store,
        "subscription_schedule",
        {
            "current_phase": {"end_date": end, "start_date": start},
            "customer": subscription["customer"],
            "metadata": asked.get("metadata"),
            "phases": [phase],
            "status": "active",
            "subscription": key,
        },
    )
    store.put("stripe", "subscription", {"id": key, "schedule": made["id"]})
    return made


def _phases(
    store: Store, asked: Sequence[Mapping[str, Any]], start: int, currency: str
) -> list[Document]:
    phases: list[Document] = []
    for place, given in enumerate(asked):
        param = f"phases[{place}]"
        if not given.get("items"):
            message = f"Missing required param: {param}[items]."
            raise StripeError(message, "parameter_missing", f"{param}[items]")
        end = _end(given, start, param)
        rest = {n: v for n, v in given.items() if n not in {"duration", "items", "end_date"}}
        if "discounts" in rest:
            rest["discounts"] = _discounts(store, given, param)
        items = [_item(store, item, f"{param}[items]") for item in given["items"]]
        phase = {"currency": currency, **rest, "end_date": end, "items": items}
        phases.append({**phase, "start_date": start})
        start = end
    return phases


def _end(given: Mapping[str, Any], start: int, param: str) -> int:
    if given.get("end_date") is not None:
        if given["end_date"] <= start:
            message = "The phase must end after it starts."
            raise StripeError(message, None, f"{param}[end_date]")
        return int(given["end_date"])
    duration = given.get("duration")
    if not duration or "interval" not in duration:
        message = "Each phase needs an `end_date` or a `duration`."
        raise StripeError(message, "parameter_missing", f"{param}[end_date]")
    count = duration.get("interval_count", 1)
    if duration["interval"] in _DAYS:
        return start + count * _DAYS[duration["interval"]] * DAY
    return boundary(start, moment(start).day, count * _MONTHS[duration["interval"]])


def _item(store: Store, given: Mapping[str, Any], param: str) -> Document:
    if not given.get("price"):
        message = f"Missing required param: {param}[price]."
        raise StripeError(message, "parameter_missing", f"{param}[price]")
    named(store, "price", given["price"], f"{param}[price]")
    metadata = given.get("metadata") or {}
    return {
        "discounts": _discounts(store, given, param),
        "metadata": metadata,
        "price": given["price"],
        "quantity": given.get("quantity", 1),
    }


def _discounts(store: Store, given: Mapping[str, Any], param: str) -> list[Document]:
    """A phase names its coupons; what they take off begins with it."""
    coupons = [one.get("coupon") for one in given.get("discounts") or ()]
    for coupon in coupons:
        named(store, "coupon", coupon, f"{param}[discounts][coupon]")
    return [{"coupon": coupon, "discount": None, "promotion_code": None} for coupon in coupons]


def _update(store: Store, asked: dict[str, Any], key: str) -> Document:
    """The phases given replace those there; the one that runs must be the first of them."""
    schedule = _running(store, key)
    asked.pop("proration_behavior", None)
    if asked.get("phases"):
        first = asked["phases"][0]
        start = first.pop("start_date", None) or schedule["phases"][0]["start_date"]
        for before, after in pairwise(asked["phases"]):
            if after.pop("start_date", None) not in {None, before.get("end_date")}:
                message = "Each phase must start when the one before it ends."
                raise StripeError(message, None, "phases")
        if schedule["current_phase"] and start != schedule["current_phase"]["start_date"]:
            message = "The first phase must be the one that is running."
            raise StripeError(message, None, "phases")
        currency = schedule["phases"][0]["currency"]
        asked["phases"] = phases = _phases(store, asked["phases"], start, currency)
        if schedule["current_phase"]:
            asked["current_phase"] = _now_running(store, phases[0])
    return change(store, "subscription_schedule", key, asked)


def _now_running(store: Store, phase: Document) -> Document:
    if phase["end_date"] <= now(store):
        raise StripeError("The current phase must end in the future.", None, "phases[0][end_date]")
    return {name: phase[name] for name in ("end_date", "start_date")}


def _cancel(store: Store, _: dict[str, Any], key: str) -> Document:
    """The schedule ends, and the subscription with it."""
    schedule = _running(store, key)
    at = now(store)
    if schedule["subscription"]:
        ended = {"status": "canceled", "canceled_at": at, "ended_at": at}
        store.put("stripe", "subscription", {"id": schedule["subscription"], **ended})
    over = {"id": key, "status": "canceled", "canceled_at": at, "current_phase": None}
    return store.put("stripe", "subscription_schedule", over)


def _release(store: Store, _: dict[str, Any], key: str) -> Document:
    """The schedule ends; the subscription goes on as it is."""
    schedule = _running(store, key)
    subscription = schedule["subscription"]
    if subscription:
        store.put("stripe", "subscription", {"id": subscription, "schedule": None})
    over = {
        "current_phase": None,
        "released_at": now(store),
        "released_subscription": subscription,
        "status": "released",
        "subscription": None,
    }
    return store.put("stripe", "subscription_schedule", {"id": key, **over})


def _running(store: Store, key: str) -> Document:
    schedule = live(store, "subscription_schedule", key)
    if schedule["status"] in _OVER:
        message = (
            "You cannot change a subscription schedule that is currently in the "
            f"`{schedule['status']}` status."
        )
        raise not_allowed(message)
    return schedule


_ONE = "/v1/subscription_schedules/{key}"

OPERATIONS = (
    Operation(
        "POST",
        "/v1/subscription_schedules",
        "subscription_schedule",
        _create,
        {
            "customer": "text",
            "default_settings": {
                "collection_method": COLLECTION,
                "invoice_settings": {"days_until_due": "count"},
            },
            "end_behavior": _END,
            "from_subscription": "text",
            "phases": [_PHASE],
            "start_date": "text",
            **METADATA,
        },
    ),
    Operation(
        "POST",
        _ONE,
        "subscription_schedule",
        _update,
        {
            "end_behavior": _END,
            "phases": [{**_PHASE, "start_date": "integer"}],
            "proration_behavior": PRORATION,
            **METADATA,
        },
    ),
    Operation(
        "POST",
        f"{_ONE}/cancel",
        "subscription_schedule",
        _cancel,
        {"invoice_now": "boolean", "prorate": "boolean"},
    ),
    Operation(
        "POST",
        f"{_ONE}/release",
        "subscription_schedule",
        _release,
        {"preserve_cancel_date": "boolean"},
    ),
)
