"""How many calls a system is sent: at once, and per second."""

import asyncio
import heapq
import time
from collections.abc import Callable

# What may go out at once after a lull, in seconds of the rate: an event loop that is busy
# for a moment must not cost throughput.
BURST_SECONDS = 0.1


class Turn:
    """A place in the queue; a call that is tried again keeps its own and so goes first."""

    def __init__(self, number: int) -> None:
        self.number = number


class Limiter:
    """A queue in front of a system."""

    def __init__(
        self,
        concurrency: int,
        per_second: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = concurrency
        self._interval = 1 / per_second if per_second else 0.0
        self._credit = max(BURST_SECONDS - self._interval, 0.0)
        self._clock = clock
        self._next_due = 0.0
        self._turns = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self.in_flight = 0

    def turn(self) -> Turn:
        self._turns += 1
        return Turn(self._turns)

    @property
    def idle(self) -> int:
        """How many more calls could be in flight now."""
        return max(0, self._most - self.in_flight - len(self._waiting))

    async def acquire(self, turn: Turn) -> None:
        """Return when the call may go out; it is in flight until `release`."""
        granted = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (turn.number, id(granted), granted))
        self._admit()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release()
            raise

    def release(self) -> None:
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.in_flight < self._most:
            if self._waiting[0][2].cancelled():
                heapq.heappop(self._waiting)
                continue
            early = self._next_due - self._credit - self._clock()
            if early > 0:
                self._admit_later(early)
                return
            self._next_due = max(self._next_due, self._clock()) + self._interval
            self.in_flight += 1
            heapq.heappop(self._waiting)[2].set_result(None)

    def _admit_later(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._admit()
