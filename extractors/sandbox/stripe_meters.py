"""Stripe's usage: meters, the events that they count, and summaries of them.

Shapes, limits and the wording of refusals follow the vendor's API reference (Billing: Meters, Meter
Events, Meter Event Summary) and what its clients met; where neither tells, they are our own.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

from starlette.requests import Request

from extractors.sandbox import documents
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_caller import Caller
from extractors.sandbox.stripe_defaults import LIVEMODE
from extractors.sandbox.stripe_errors import StripeError, not_allowed
from extractors.sandbox.stripe_filters import visible
from extractors.sandbox.stripe_forms import checked, require
from extractors.sandbox.stripe_lists import PAGING, limit_of, list_page, part_of
from extractors.sandbox.stripe_operations import EXPAND, Operation, change, live, named, now
from extractors.sandbox.stripe_shapes import Document, list_object
from extractors.sandbox.wire import read_as_of_replica

METER, EVENT, SUMMARY = "billing.meter", "billing.meter_event", "billing.meter_event_summary"

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_WINDOWS = {"hour": _HOUR, "day": _DAY}
_OLDEST_DAYS, _AHEAD_SECONDS = 35, 5 * _MINUTE
_UNIQUE_SECONDS = _DAY
_KEY_SPEC = {"event_payload_key": "text"}
_METER: dict[str, Any] = {
    "display_name": "text",
    "event_name": "text",
    "default_aggregation": {"formula": frozenset({"count", "last", "sum"})},
    "customer_mapping": {"type": frozenset({"by_id"}), **_KEY_SPEC},
    "value_settings": _KEY_SPEC,
    "event_time_window": frozenset(_WINDOWS),
}
_EVENT: dict[str, Any] = {
    "event_name": "text",
    "identifier": "text",
    "payload": "metadata",
    "timestamp": "integer",
}
_SUMMARIES: dict[str, Any] = {
    **PAGING,
    "customer": "text",
    "start_time": "integer",
    "end_time": "integer",
    "value_grouping_window": frozenset(_WINDOWS),
}


def _create_meter(store: Store, asked: dict[str, Any], _: str) -> Document:
    if any(_meters(store, asked["event_name"])):
        message = f"There is already an active meter with event name {asked['event_name']}."
        raise StripeError(message, None, "event_name")
    return store.put("stripe", METER, {"id": store.new_id("stripe", METER), **asked})


def _update_meter(store: Store, asked: dict[str, Any], key: str) -> Document:
    return change(store, METER, key, asked)


def _deactivate(store: Store, _: dict[str, Any], key: str) -> Document:
    return _turn(store, key, "inactive", now(store))


def _reactivate(store: Store, _: dict[str, Any], key: str) -> Document:
    return _turn(store, key, "active", None)


def _turn(store: Store, key: str, status: str, at: int | None) -> Document:
    if live(store, METER, key)["status"] == status:
        raise not_allowed(f"This meter is already {status}.")
    turned = {"id": key, "status": status, "status_transitions": {"deactivated_at": at}}
    return store.put("stripe", METER, turned)


def _meters(store: Store, event_name: str) -> Iterator[Document]:
    """Active meters of an event name: one, or none."""
    return (m for m in store.rows("stripe", METER, event_name=event_name, status="active"))


def _create_event(store: Store, asked: dict[str, Any], _: str) -> Document:
    """An event is checked as it comes, and told from those of its identifier for a day."""
    at, name = now(store), asked["event_name"]
    meter = next(_meters(store, name), None)
    if meter is None:
        raise StripeError(f"No active meter found for event name {name}.", None, "event_name")
    payload = asked["payload"] or {}
    customer = _payload(payload, meter["customer_mapping"]["event_payload_key"])
    if meter["default_aggregation"]["formula"] != "count":
        _require_number(_payload(payload, meter["value_settings"]["event_payload_key"]))
    named(store, "customer", customer, "payload")
    told = {"timestamp": at, **{n: v for n, v in asked.items() if v is not None}}
    _require_near(told["timestamp"], at)
    key = store.new_id("stripe", EVENT)
    told.setdefault("identifier", key)
    since = at - _UNIQUE_SECONDS
    if any(e["created"] > since for e in _with_identifier(store, told["identifier"])):
        raise StripeError(f"An event already exists with identifier {told['identifier']}.")
    return store.put("stripe", EVENT, {"id": key, "customer": customer, **told})


def _with_identifier(store: Store, identifier: str) -> list[Document]:
    return store.rows("stripe", EVENT, parent=identifier)


def _payload(payload: Mapping[str, str], key: str) -> str:
    if not payload.get(key):
        raise StripeError(f"Missing required payload key: {key}.", "parameter_missing", "payload")
    return payload[key]


def _require_number(text: str) -> None:
    try:
        Decimal(text)
    except InvalidOperation:
        message = f"The value of a meter event has to be a number, not '{text}'."
        raise StripeError(message, None, "payload") from None


def _require_near(timestamp: int, at: int) -> None:
    oldest = at - _OLDEST_DAYS * _DAY
    if timestamp < oldest:
        message = (
            f"The event timestamp cannot be more than {_OLDEST_DAYS} days in past. Expected a "
            f"timestamp greater than or equal to {oldest}."
        )
        raise StripeError(message, "timestamp_too_far_in_past", "timestamp")
    if timestamp > at + _AHEAD_SECONDS:
        message = "The event timestamp cannot be more than 5 minutes in the future."
        raise StripeError(message, "timestamp_in_future", "timestamp")


def _list(caller: Caller, request: Request, parameters: Mapping[str, Any]) -> bytes:
    caller.require(METER, "read")
    read_as_of_replica(request, caller.store, "stripe", METER)
    return list_page(caller, METER, parameters, request.url.path)


def _retrieve(caller: Caller, request: Request, parameters: Mapping[str, Any]) -> Document:
    caller.require(METER, "read")
    checked(parameters, EXPAND)
    read_as_of_replica(request, caller.store, "stripe", METER)
    return live(caller.store, METER, request.path_params["key"])


def _summaries(caller: Caller, request: Request, parameters: Mapping[str, Any]) -> Document:
    """One page of what a customer used, the newest window first; windows without use are left out.

    Without a window there is one summary of the whole time.
    """
    caller.require(METER, "read")
    asked = checked(parameters, _SUMMARIES)
    require(asked, "customer", "start_time", "end_time")
    _require_aligned(asked)
    meter = live(caller.store, METER, request.path_params["key"])
    named(caller.store, "customer", asked["customer"], "customer")
    read_as_of_replica(request, caller.store, "stripe", EVENT)
    found = summaries(caller.store, meter, asked["customer"], window_of(asked))
    page, has_more = part_of(found, asked, limit_of(asked), SUMMARY)
    return list_object(list(page), request.url.path, has_more=has_more)


def _require_aligned(asked: Mapping[str, Any]) -> None:
    size = _WINDOWS.get(asked.get("value_grouping_window") or "", _MINUTE)
    name = {_MINUTE: "minute", _HOUR: "hour", _DAY: "UTC day"}[size]
    for param in ("start_time", "end_time"):
        if asked[param] % size:
            message = f"{param} must be aligned with {name} boundaries."
            raise StripeError(message, "parameter_invalid_integer", param)
    if asked["end_time"] <= asked["start_time"]:
        raise StripeError("end_time must be after start_time.", None, "end_time")


def window_of(asked: Mapping[str, Any]) -> tuple[int, int, int]:
    """Start, end and length of the windows asked for, in unix seconds."""
    start, end = asked["start_time"], asked["end_time"]
    return start, end, _WINDOWS.get(asked.get("value_grouping_window") or "", end - start)


def summaries(
    store: Store, meter: Document, customer: str, windows: tuple[int, int, int]
) -> list[Document]:
    """What a customer used in each window of (start, end, length), the newest first."""
    start, end, size = windows
    parts: dict[int, list[Document]] = {}
    for event in _events(store, meter, customer):
        if start <= event["timestamp"] < end:
            place = start + (event["timestamp"] - start) // size * size
            parts.setdefault(place, []).append(event)
    return [
        _summary(meter, customer, (at, min(at + size, end)), parts[at])
        for at in sorted(parts, reverse=True)
    ]


def _events(store: Store, meter: Document, customer: str) -> Iterable[Document]:
    """Events of a meter and a customer, in the order in which they happened."""
    hidden = visible(store, EVENT)
    where = " AND ".join(["account = ?", "object = ?", "customer = ?", *(s for s, _ in hidden)])
    values = [store.account, EVENT, customer, *(v for _, given in hidden for v in given)]
    found = store.query(f"SELECT document FROM stripe WHERE {where} ORDER BY seq", values)
    events = (documents.load(text) for (text,) in found)
    mine = (event for event in events if event["event_name"] == meter["event_name"])
    return sorted(mine, key=lambda event: int(event["timestamp"]))


def _summary(
    meter: Document, customer: str, window: tuple[int, int], events: list[Document]
) -> Document:
    start, end = window
    name = sha256(f"{meter['id']}|{customer}|{start}|{end}".encode()).hexdigest()[:24]
    return {
        "id": f"mtrusg_{name}",
        "object": SUMMARY,
        "aggregated_value": _aggregated(meter, events),
        "end_time": end,
        "livemode": LIVEMODE,
        "meter": meter["id"],
        "start_time": start,
    }


def _aggregated(meter: Document, events: list[Document]) -> Decimal:
    formula, key = meter["default_aggregation"]["formula"], meter["value_settings"]
    if formula == "count":
        return Decimal(len(events))
    values = [Decimal(event["payload"][key["event_payload_key"]]) for event in events]
    return values[-1] if formula == "last" else sum(values, Decimal(0))


READS = (
    ("/v1/billing/meters", _list),
    ("/v1/billing/meters/{key}", _retrieve),
    ("/v1/billing/meters/{key}/event_summaries", _summaries),
)
OPERATIONS = (
    Operation(
        "POST",
        "/v1/billing/meters",
        METER,
        _create_meter,
        _METER,
        required=("display_name", "event_name", "default_aggregation"),
    ),
    Operation("POST", "/v1/billing/meters/{key}", METER, _update_meter, {"display_name": "text"}),
    Operation("POST", "/v1/billing/meters/{key}/deactivate", METER, _deactivate),
    Operation("POST", "/v1/billing/meters/{key}/reactivate", METER, _reactivate),
    Operation(
        "POST",
        "/v1/billing/meter_events",
        EVENT,
        _create_event,
        _EVENT,
        required=("event_name", "payload"),
    ),
)
