"""What can be made to go wrong, kept in the store so that the servers and their controller agree.

`faults` (controls):
{"drop": {"salesforce.PricebookEntry": [ids]}, "stale": {"netsuite.item": hours}}.
Dropped records are missing from pages and yet counted; a stale object is read from a replica that
is hours behind: its Date header is old and what was created since is not there.

`request_faults` (the wire): a list of {"system", "times", and optionally "method", "path" (a part
of it), "status", "retry_after", "lose_answer"}. The first that fits a request is used and counted
down. With `lose_answer` the request takes effect and the connection closes before the answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from extractors.sandbox.store import Store

CONTROLS = "faults"
REQUESTS = "request_faults"


@dataclass(frozen=True)
class RequestFault:
    """What happens to one request."""

    status: int
    retry_after: int | None
    lose_answer: bool


def dropped(store: Store, system: str, kind: str) -> frozenset[str]:
    """Ids hidden from pages."""
    controls = store.meta(CONTROLS, {})
    return frozenset(controls.get("drop", {}).get(f"{system}.{kind}", ()))


def drops_any(store: Store, system: str) -> bool:
    drops = store.meta(CONTROLS, {}).get("drop", {})
    return any(name.startswith(f"{system}.") for name in drops)


def lag_hours(store: Store, system: str, kind: str) -> float:
    return float(store.meta(CONTROLS, {}).get("stale", {}).get(f"{system}.{kind}", 0))


def visible_until(store: Store, system: str, kind: str) -> datetime | None:
    """The replica's time where it lags: nothing created later is seen."""
    hours = lag_hours(store, system, kind)
    return store.now() - timedelta(hours=hours) if hours else None


def take_request_fault(store: Store, system: str, method: str, path: str) -> RequestFault | None:
    """The fault that this request is to suffer, counted down."""
    if not store.meta(REQUESTS):
        return None
    with store.transaction():
        faults: list[dict[str, Any]] = store.meta(REQUESTS, [])
        for fault in faults:
            if _fits(fault, system, method, path):
                fault["times"] -= 1
                store.set_meta(REQUESTS, [left for left in faults if left["times"] > 0] or None)
                return RequestFault(
                    fault.get("status", 503),
                    fault.get("retry_after"),
                    bool(fault.get("lose_answer")),
                )
    return None


def _fits(fault: dict[str, Any], system: str, method: str, path: str) -> bool:
    return (
        fault["system"] == system
        and fault.get("method", method) == method
        and fault.get("path", "") in path
    )
