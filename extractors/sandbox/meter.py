"""What one server was asked and how it answered: read by benchmarks, and by tests of clients."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any


class Meter:
    """Counts in memory; begins anew with the server, or when it is reset."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything but the calls that are under way."""
        self._since = self._clock()
        self._calls: dict[str, Counter[str]] = {}
        self._most_in_flight = self.in_flight
        self._service_seconds = 0.0
        self._governed: tuple[float, float] | None = None
        self._bytes = 0
        self._refused: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def begin(self) -> float:
        """The time at which a call came in."""
        self.in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self.in_flight)
        return self._clock()

    def end(
        self, endpoint: str, began: float, status: str, sent: int, *, is_governed: bool = True
    ) -> None:
        """`status` is 'broken' where the answer was broken off or never begun.

        A call that no limit governs (a login) is counted, but takes nothing of what they allow.
        """
        ended = self._clock()
        self.in_flight -= 1
        self._calls.setdefault(endpoint, Counter())[status] += 1
        self._bytes += sent
        if is_governed:
            self._service_seconds += ended - began
            first, _ = self._governed or (began, ended)
            self._governed = (min(first, began), ended)

    def refused(self, limit: str) -> None:
        self._refused[limit] += 1

    def fault(self, profile: str) -> None:
        self._faults[profile] += 1

    def report(self) -> dict[str, Any]:
        """`calls` counts all that was answered or broken off, refusals and faults included.

        `governed_seconds` lie between the beginning of the first call that limits govern and the
        end of the last, `service_seconds` are what these calls took together.
        """
        first, last = self._governed or (0.0, 0.0)
        return {
            "seconds": round(self._clock() - self._since, 6),
            "calls": sum(counted.total() for counted in self._calls.values()),
            "by_endpoint": {name: dict(self._calls[name]) for name in sorted(self._calls)},
            "in_flight": self.in_flight,
            "max_in_flight": self._most_in_flight,
            "service_seconds": round(self._service_seconds, 6),
            "governed_seconds": round(last - first, 6),
            "bytes": self._bytes,
            "refused_by_limit": dict(self._refused),
            "faults": dict(self._faults),
        }
