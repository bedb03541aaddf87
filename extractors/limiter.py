"""The queue in front of a system: how many calls are in flight at once, and per second.

The limits are ours to begin with. The system corrects them: a call that it refuses for its
limits pauses the queue and halves what is in flight; from there the number grows again, by one
a round up to what was refused, past that by one in a while.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Final

from extractors.breaker import Breaker
from extractors.errors import CircuitOpen

# What may go out at once after a lull, in seconds of the rate: an event loop that is busy for
# a moment must not cost throughput.
BURST_SECONDS: Final = 0.1
# How long a number in flight that was refused is not tried again.
CALM_SECONDS: Final = 30.0
# The pause after a refusal that names none; it doubles while refusals go on.
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
# An endpoint that was not called for so long is no longer counted among those in use.
FORGOTTEN_SECONDS: Final = 1.0
# More calls than this multiple of what the rate keeps in flight would only wait.
SPARE: Final = 1.5


class Turn:
    """A place in the queue; a call that is sent again keeps its own and so goes before others.

    `patience` is what its caller is ready to spend, in seconds, on calls, pauses between them
    and open circuits; waiting in the queue itself is free.
    """

    def __init__(self, number: int, endpoint: str, patience: float) -> None:
        self.number = number
        self.endpoint = endpoint
        self.patience = patience
        self.granted_at = 0.0
        self.is_in_flight = False


class Pace:
    """When the next call may go out: at a steady rate, and not while held."""

    def __init__(self, per_second: float | None) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._due = 0.0
        self._held_until = 0.0

    def early(self, now: float) -> float:
        """How many seconds too early it is."""
        return max(self._due - BURST_SECONDS, self._held_until) - now

    def is_held(self, now: float) -> bool:
        return self._held_until > now

    def take(self, now: float) -> None:
        self._due = max(self._due, now) + self._interval

    def hold(self, until: float) -> None:
        self._held_until = max(self._held_until, until)


class Lane(Pace):
    """The calls to one endpoint, in the order of their turns."""

    def __init__(self, per_second: float | None) -> None:
        super().__init__(per_second)
        self._queue: list[tuple[int, Turn, asyncio.Future[None]]] = []

    def push(self, turn: Turn, granted: asyncio.Future[None]) -> None:
        heapq.heappush(self._queue, (turn.number, turn, granted))

    def pop(self) -> tuple[Turn, asyncio.Future[None]]:
        _, turn, granted = heapq.heappop(self._queue)
        return turn, granted

    @property
    def first(self) -> int | None:
        """The number of the first turn that still waits."""
        while self._queue and self._queue[0][2].done():
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def waiting(self) -> list[tuple[Turn, asyncio.Future[None]]]:
        return [(turn, granted) for _, turn, granted in self._queue if not granted.done()]

    def is_forgotten(self, now: float) -> bool:
        return self.first is None and self.early(now) < -FORGOTTEN_SECONDS


class Limiter:
    """Grants turns; one per door."""

    def __init__(
        self,
        breaker: Breaker,
        concurrency: int,
        per_second: float | None = None,
        per_second_endpoint: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._breaker = breaker
        self._most = concurrency
        self._per_second = per_second
        self._per_second_endpoint = per_second_endpoint
        self._clock = clock
        self._pace = Pace(per_second)
        self._lanes: dict[str, Lane] = {}
        self._width = float(concurrency)
        self._refused_width = float("inf")
        self._refusals = 0
        self._narrowed_at = float("-inf")
        self._mean_seconds: float | None = None
        self._turns = 0
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = 0
        self.in_flight = 0

    @property
    def width(self) -> int:
        """How many calls may be in flight now."""
        return int(self._width)

    @property
    def idle(self) -> int:
        """How many more calls could be in flight now, and would not only wait for their time."""
        return self.room(0)

    def room(self, queued: int) -> int:
        """The same, where so many may wait besides: each goes out as soon as an answer has come."""
        now = self._clock()
        if self._breaker.is_open or self._pace.is_held(now):
            return 0
        useful = float(self.width + queued)
        rates = [self._per_second] if self._per_second else []
        if self._per_second_endpoint:
            rates.append(self._per_second_endpoint * max(1, len(self._lanes)))
        if rates and self._mean_seconds is not None:
            useful = min(useful, min(rates) * self._mean_seconds * SPARE + 1)
        return max(0, int(useful) - self.in_flight - self.waiting)

    def turn(self, endpoint: str, patience: float) -> Turn:
        self._turns += 1
        return Turn(self._turns, endpoint, patience)

    async def acquire(self, turn: Turn) -> None:
        """Return when the call may go out; it is in flight until `release`.

        A turn that cannot afford to wait for the probe of an open circuit is refused at once.
        """
        if self._breaker.is_open:
            self._charge(turn)
        granted = asyncio.get_running_loop().create_future()
        self._lane(turn).push(turn, granted)
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
        """The call is over, if it was not said before."""
        if not turn.is_in_flight:
            return
        turn.is_in_flight = False
        took = self._clock() - turn.granted_at
        mean = self._mean_seconds
        self._mean_seconds = took if mean is None else mean + (took - mean) / 10
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

    def refused(self, turn: Turn, seconds: float | None, *, endpoint_only: bool = False) -> None:
        """The system takes no more: pause, and halve. Calls sent together halve it once."""
        now = self._clock()
        if turn.granted_at > self._narrowed_at:
            self._narrowed_at = now
            self._refusals += 1
            if not endpoint_only:
                self._refused_width = self.width
                self._width = max(1.0, self._width / 2)
        if seconds is None:
            seconds = min(FIRST_PAUSE_SECONDS * 2 ** (self._refusals - 1), LONGEST_PAUSE_SECONDS)
        (self._lane(turn) if endpoint_only else self._pace).hold(now + seconds)

    def failed(self, turn: Turn) -> None:
        """The system is in trouble: perhaps the circuit opens, for those who wait here, too."""
        if not self._breaker.failed(turn):
            return
        for lane in self._lanes.values():
            for waiting, granted in lane.waiting():
                try:
                    self._charge(waiting)
                except CircuitOpen as error:
                    self.waiting -= 1
                    granted.set_exception(error)

    def _lane(self, turn: Turn) -> Lane:
        if turn.endpoint not in self._lanes:
            self._lanes[turn.endpoint] = Lane(self._per_second_endpoint)
        return self._lanes[turn.endpoint]

    def _charge(self, turn: Turn) -> None:
        seconds = self._breaker.seconds_to_probe
        if seconds > turn.patience:
            raise self._breaker.error()
        turn.patience -= seconds

    def _admit(self) -> None:
        """Let out everyone who may go, and come back when the next one may."""
        while self.waiting and self.in_flight < self.width and not self._breaker.is_probed:
            now = self._clock()
            early = max(self._breaker.seconds_to_probe, self._pace.early(now))
            lane = None if early > 0 else self._first_lane(now)
            if lane is not None:
                self._grant(lane, now)
                continue
            waiting = [each.early(now) for each in self._lanes.values() if each.first]
            if waiting:
                self._admit_in(max(early, min(waiting)))
            return

    def _first_lane(self, now: float) -> Lane | None:
        """The lane whose first turn comes before those of all other lanes that may go on."""
        for name in [name for name, lane in self._lanes.items() if lane.is_forgotten(now)]:
            del self._lanes[name]
        found, lowest = None, float("inf")
        for lane in self._lanes.values():
            first = lane.first
            if first is not None and first < lowest and lane.early(now) <= 0:
                found, lowest = lane, first
        return found

    def _grant(self, lane: Lane, now: float) -> None:
        turn, granted = lane.pop()
        lane.take(now)
        self._pace.take(now)
        self._breaker.sent(turn)
        turn.granted_at = now
        turn.is_in_flight = True
        self.waiting -= 1
        self.in_flight += 1
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
