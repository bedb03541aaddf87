"""Leaves a system alone for a while that failed many times in a row."""

import time
from collections.abc import Callable

from extractors.errors import CircuitOpen


class Breaker:
    """Closed while the system answers; open for a cool-down after too many failures in a row.

    Then one call is the probe: its answer closes the circuit, its failure starts the cool-down
    again. Whoever keeps the queue asks here, and says how each call ended.
    """

    def __init__(
        self,
        system: str,
        failures: int,
        cool_down_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.system = system
        self._allowed = failures
        self._cool_down = cool_down_seconds
        self._clock = clock
        self._in_a_row = 0
        self._probe_at: float | None = None
        self._probe: object = None

    @property
    def is_open(self) -> bool:
        return self._probe_at is not None

    @property
    def is_probed(self) -> bool:
        """Whether a probe is out, for whose answer all others wait."""
        return self._probe is not None

    @property
    def seconds_to_probe(self) -> float:
        return max(0.0, self._probe_at - self._clock()) if self._probe_at else 0.0

    def error(self) -> CircuitOpen:
        """What a caller is told who cannot wait for the probe."""
        error = CircuitOpen(
            self.system,
            f"not asked: {self._in_a_row} calls in a row failed, "
            f"the next is sent in {self.seconds_to_probe:.0f} s",
        )
        error.retry_after = self.seconds_to_probe
        return error

    def sent(self, caller: object) -> None:
        """A call went out; while the circuit is open it is the probe."""
        if self.is_open:
            self._probe = caller

    def answered(self) -> None:
        self._in_a_row = 0
        self._probe_at = self._probe = None

    def failed(self, caller: object) -> bool:
        """Whether this failure opens the circuit; of calls sent before it opened, none does."""
        if self.is_open and self._probe is not caller:
            return False
        self._probe = None
        self._in_a_row += 1
        if self._in_a_row < self._allowed:
            return False
        self._probe_at = self._clock() + self._cool_down
        return True

    def gone(self, caller: object) -> None:
        """The call ended, perhaps without telling anything: then another one is the probe."""
        if self._probe is caller:
            self._probe = None
