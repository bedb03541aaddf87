"""What the calls to one system were, counted."""

from collections import Counter
from typing import Any


class Metrics:
    """Calls by method, endpoint and status, and what they took."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.retries = 0
        self.bytes = 0
        self.seconds = 0.0
        self.waited_seconds = 0.0

    def count(self, method: str, endpoint: str, status: int | None, seconds: float) -> None:
        """One attempt; without an answer it has no status."""
        told = f"{status // 100}xx" if status else "none"
        self.calls[method, endpoint, told] += 1
        self.seconds += seconds

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "calls": [
                {"method": method, "endpoint": endpoint, "status": status, "calls": count}
                for (method, endpoint, status), count in sorted(self.calls.items())
            ],
            "retries": self.retries,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "waited_seconds": round(self.waited_seconds, 3),
        }
