"""The queue in front of a system: how many calls are in flight at once, and per second.

Both limits are ours to begin with. The system corrects them: a call that it refuses for its
limits pauses the queue and halves what is in flight; from there the number grows again, by one
a round up to what was refused, past that by one in a while.
"""

import asyncio
import heapq
import time
from collections.abc import Callable

from extractors.breaker import Breaker
from extractors.errors import CircuitOpen

# What may go out at once after a lull, in seconds of the rate: an event loop that is busy for
# a moment must not cost throughput.
BURST_SECONDS = 0.1
# How long a number in flight that was refused is not tried again.
CALM_SECONDS = 30.0
# The pause after a refusal that names none; it doubles while refusals go on.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


class Turn:
    """A place in the queue; a call that is sent again keeps its own and so goes before others.

    `patience` is what its caller is ready to spend, in seconds, on calls, pauses between them
    and open circuits; waiting in the queue itself is free.
    """

    def __init__(self, number: int, patience: float) -> None:
        self.number = number
        self.patience = patience
        self.granted_at = 0.0


class Limiter:
    """Grants turns; one per door."""

    def __init__(
        self,
        breaker: Breaker,
        concurrency: int,
        per_second: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._breaker = breaker
        self._most = concurrency
        self._interval = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._width = float(concurrency)
        self._refused_width = float("inf")
        self._refusals = 0
        self._narrowed_at = float("-inf")
        self._next_due = 0.0
        self._paused_until = 0.0
        self._turns = 0
        self._queue: list[tuple[int, Turn, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = 0
        self.in_flight = 0

    @property
    def width(self) -> int:
        """How many calls may be in flight now."""
        return int(self._width)

    @property
    def idle(self) -> int:
        """How many more calls could be in flight now."""
        if self._breaker.is_open or self._paused_until > self._clock():
            return 0
        return max(0, self.width - self.in_flight - self.waiting)

    def turn(self, patience: float) -> Turn:
        self._turns += 1
        return Turn(self._turns, patience)

    async def acquire(self, turn: Turn) -> None:
        """Return when the call may go out; it is in flight until `release`.

        A turn that cannot afford to wait for the probe of an open circuit is refused at once.
        """
        if self._breaker.is_open:
            self._charge(turn)
        granted = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (turn.number, turn, granted))
        self.waiting += 1
        self._admit()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self.waiting -= 1
            elif granted.exception() is None:
                self.release(turn)
            raise

    def release(self, turn: Turn) -> None:
        self.in_flight -= 1
        self._breaker.gone(turn)
        self._admit()

    def answered(self) -> None:
        """A call got through: the circuit is closed, and a little more may be in flight."""
        self._breaker.answered()
        self._refusals = 0
        if self._width >= self._most:
            return
        calm = (self._clock() - self._narrowed_at) // CALM_SECONDS
        ceiling = min(self._most, max(1.0, self._refused_width - 1 + calm))
        self._width = max(self._width, min(ceiling, self._width + 1 / self._width))

    def refused(self, turn: Turn, seconds: float | None) -> None:
        """The system takes no more: pause, and halve. Calls sent together halve it once."""
        now = self._clock()
        if turn.granted_at > self._narrowed_at:
            self._refused_width = self.width
            self._width = max(1.0, self._width / 2)
            self._narrowed_at = now
            self._refusals += 1
        if seconds is None:
            seconds = min(FIRST_PAUSE_SECONDS * 2 ** (self._refusals - 1), LONGEST_PAUSE_SECONDS)
        self._paused_until = max(self._paused_until, now + seconds)

    def failed(self, turn: Turn) -> None:
        """The system is in trouble: perhaps the circuit opens, for those who wait here, too."""
        if not self._breaker.failed(turn):
            return
        for _, waiting, granted in self._queue:
            if granted.done():
                continue
            try:
                self._charge(waiting)
            except CircuitOpen as error:
                self.waiting -= 1
                granted.set_exception(error)

    def _charge(self, turn: Turn) -> None:
        seconds = self._breaker.seconds_to_probe
        if seconds > turn.patience:
            raise self._breaker.error()
        turn.patience -= seconds

    def _admit(self) -> None:
        while self._queue and self.in_flight < self.width:
            _, turn, granted = self._queue[0]
            if granted.done():
                heapq.heappop(self._queue)
                continue
            now = self._clock()
            if self._breaker.is_probed:
                return
            early = max(
                self._breaker.seconds_to_probe,
                self._paused_until - now,
                self._next_due - BURST_SECONDS - now,
            )
            if early > 0:
                self._admit_in(early)
                return
            heapq.heappop(self._queue)
            self._next_due = max(self._next_due, now) + self._interval
            self._breaker.sent(turn)
            self.waiting -= 1
            self.in_flight += 1
            turn.granted_at = now
            granted.set_result(None)

    def _admit_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._admit()
