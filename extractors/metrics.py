"""What the calls to one system were, and what they took, counted."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

# Durations are counted in classes that grow by 5 %: many calls need no more memory than few.
_GROWTH = math.log(1.05)
_SHORTEST = 0.0001
# Past so many endpoints some are ids that do not look like any: they are counted as one.
MOST_ENDPOINTS = 300
OTHERS = "(others)"


@dataclass
class Endpoint:
    """One method of one endpoint. `statuses` are classes (`2xx`), or `none` without an answer."""

    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    bytes: int = 0
    seconds: float = 0.0
    durations: Counter[int] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        return self.statuses.total()

    def quantile(self, share: float) -> float:
        """The seconds within which this share of the calls was answered, to 5 %."""
        left = share * self.durations.total()
        for place in sorted(self.durations):
            left -= self.durations[place]
            if left <= 0:
                return math.exp(place * _GROWTH)
        return 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "statuses": dict(sorted(self.statuses.items())),
            "errors": dict(sorted(self.errors.items())),
            "retries": self.retries,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "p50_seconds": round(self.quantile(0.5), 4),
            "p95_seconds": round(self.quantile(0.95), 4),
        }


class Metrics:
    """By method and endpoint; and what was spent on waiting, for a turn or after a failure."""

    def __init__(self) -> None:
        self.endpoints: defaultdict[tuple[str, str], Endpoint] = defaultdict(Endpoint)
        self.queued_seconds = 0.0
        self.paused_seconds = 0.0

    def count(  # noqa: PLR0917
        self,
        method: str,
        endpoint: str,
        status: int | None,
        error: str | None,
        seconds: float,
        size: int,
    ) -> None:
        """One request and what came of it."""
        seen = self._endpoint(method, endpoint)
        seen.statuses[f"{status // 100}xx" if status else "none"] += 1
        if error is not None:
            seen.errors[error] += 1
        seen.bytes += size
        seen.seconds += seconds
        seen.durations[round(math.log(max(seconds, _SHORTEST)) / _GROWTH)] += 1

    def retried(self, method: str, endpoint: str, paused_seconds: float) -> None:
        self._endpoint(method, endpoint).retries += 1
        self.paused_seconds += paused_seconds

    def _endpoint(self, method: str, endpoint: str) -> Endpoint:
        if len(self.endpoints) >= MOST_ENDPOINTS and (method, endpoint) not in self.endpoints:
            endpoint = OTHERS
        return self.endpoints[method, endpoint]

    @property
    def calls(self) -> int:
        return sum(endpoint.calls for endpoint in self.endpoints.values())

    @property
    def retries(self) -> int:
        return sum(endpoint.retries for endpoint in self.endpoints.values())

    @property
    def bytes(self) -> int:
        return sum(endpoint.bytes for endpoint in self.endpoints.values())

    @property
    def seconds(self) -> float:
        return sum(endpoint.seconds for endpoint in self.endpoints.values())

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "calls": self.calls,
            "retries": self.retries,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "queued_seconds": round(self.queued_seconds, 3),
            "paused_seconds": round(self.paused_seconds, 3),
            "endpoints": {
                f"{method} {name}": endpoint.as_dict()
                for (method, name), endpoint in sorted(self.endpoints.items())
            },
        }
