"""What the vendors allow: calls a second, at once and a day; how long a session lasts.

Off until set; `VENDORS` holds what the vendors publish. The counts live in the serving process.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date

from extractors.sandbox.refusals import REFUSALS
from extractors.sandbox.schema import System
from extractors.sandbox.store import Store

LIMITS = "limits"
# What a Salesforce org tells of its quota where the quota is not enforced.
DAILY_CALLS = 100_000
HOUR = 3600


@dataclass(frozen=True)
class Limits:
    """None: unlimited. Rates are token buckets that hold one second's worth.

    `endpoint_per_second` holds for each operation of its own, `latency_ms` is waited before each
    answer, `token_seconds` holds for sessions opened from now on.
    """

    reads_per_second: float | None = None
    writes_per_second: float | None = None
    endpoint_per_second: float | None = None
    concurrency: int | None = None
    daily_calls: int | None = None
    token_seconds: float = HOUR
    latency_ms: float = 0


UNLIMITED = Limits()
VENDORS: Mapping[System, Limits] = {
    "salesforce": Limits(concurrency=25, daily_calls=DAILY_CALLS),
    "stripe": Limits(reads_per_second=100, writes_per_second=100),
    "netsuite": Limits(concurrency=5),
}
STRIPE_TEST = Limits(reads_per_second=25, writes_per_second=25)

# How a vendor refuses what is over a limit; a vendor without that refusal has no such limit.
_REFUSED_AS = {
    "reads_per_second": "global-rate",
    "writes_per_second": "global-rate",
    "endpoint_per_second": "endpoint-rate",
    "concurrency": "concurrency",
    "daily_calls": "daily",
}


def set_limits(store: Store, limits: Mapping[System, Limits | None]) -> None:
    """Limit these systems from the next request on; None takes a system's limits away."""
    with store.transaction():
        kept = dict(store.meta(LIMITS, {}))
        for system, chosen in limits.items():
            kept.pop(system, None)
            if chosen is not None:
                _require_vendors_own(system, chosen)
                kept[system] = asdict(chosen)
        store.set_meta(LIMITS, kept or None)


def _require_vendors_own(system: System, limits: Limits) -> None:
    for name, refusal in _REFUSED_AS.items():
        if getattr(limits, name) is not None and refusal not in REFUSALS[system]:
            raise ValueError(f"{system} has no limit of {name}")


def limits_of(store: Store, system: str) -> Limits:
    kept = store.meta(LIMITS, {}).get(system)
    return Limits(**kept) if kept else UNLIMITED


def vendor_limits(latency_ms: float = 0) -> dict[System, Limits]:
    """All that the vendors publish, with a latency."""
    return {system: replace(known, latency_ms=latency_ms) for system, known in VENDORS.items()}


class Bucket:
    """So many tokens a second, of which one second's worth can be kept."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock
        self._tokens = max(per_second, 1)
        self._at = clock()

    def take(self) -> bool:
        now = self._clock()
        most = max(self._per_second, 1)
        self._tokens = min(most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Gate:
    """Refuses calls to one system as its limits say."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def refuses(
        self, *, is_read: bool, endpoint: str, in_flight: int, calls_today: int
    ) -> str | None:
        """The name of the refusal (see refusals.py) of one more call, or None if it may pass.

        `in_flight` and `calls_today` count this call too.
        """
        limits = self.limits
        if limits.daily_calls is not None and calls_today > limits.daily_calls:
            return _REFUSED_AS["daily_calls"]
        if limits.concurrency is not None and in_flight > limits.concurrency:
            return _REFUSED_AS["concurrency"]
        per_second = limits.reads_per_second if is_read else limits.writes_per_second
        if not self._takes("reads" if is_read else "writes", per_second):
            return _REFUSED_AS["reads_per_second"]
        if not self._takes(endpoint, limits.endpoint_per_second):
            return _REFUSED_AS["endpoint_per_second"]
        return None

    def _takes(self, name: str, per_second: float | None) -> bool:
        if per_second is None:
            return True
        if name not in self._buckets:
            self._buckets[name] = Bucket(per_second, self._clock)
        return self._buckets[name].take()


class DailyCalls:
    """The calls of one day of the sandbox's clock."""

    def __init__(self) -> None:
        self._day: date | None = None
        self.count = 0

    def add(self, today: date) -> int:
        if today != self._day:
            self._day, self.count = today, 0
        self.count += 1
        return self.count
