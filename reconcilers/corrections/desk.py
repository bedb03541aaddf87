"""Where the workers of a dispatch run hand in what must be persisted before they go on.

Whatever waits is taken together, in one transaction and off the event loop: the calls of others go
on meanwhile, and many workers wait for one commit.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Never

from reconcilers.corrections.budget import Budgets
from reconcilers.corrections.delivery import ClaimLostError, Order, Outcome
from reconcilers.corrections.steps import Begin, Claim, Fate, Finish, Step, persist
from reconcilers.state.store import State

# For so long others are waited for, while there are any who have an order: a commit costs the same
# for one step as for many, and who has only one call to make at a time waits for it much longer.
GATHER_SECONDS = 0.04


@dataclass
class Desk:
    """One run's way to the state store. Each method returns when its step is committed."""

    state: State
    now: Callable[[], datetime]
    budgets: Budgets
    _waiting: list[tuple[Step, asyncio.Future[Fate]]] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _all_came: asyncio.Event = field(default_factory=asyncio.Event)
    _workers: int = 0

    async def claim(self, correction_id: str, claimed_by: str) -> Order | None:
        """Take a correction and persist the attempt; None when another was first."""
        self._workers += 1
        fate = await self._hand_in(Claim(correction_id, claimed_by))
        if isinstance(fate, Order):
            return fate
        self._workers -= 1
        return None

    async def begin(self, order: Order) -> None:
        """Persist that the call is about to be made.

        Raises ClaimLostError when the claim is no longer ours, StoppedError when a halt or a spent
        budget stops it.
        """
        await self._hand_in(Begin(order))

    async def finish(self, order: Order, outcome: Outcome) -> None:
        """Persist what an attempt brought and give the claim back, or raise ClaimLostError."""
        await self._hand_in(Finish(order, outcome))
        self._workers -= 1

    async def serve(self) -> Never:
        """Persist what is handed in, to the end of the run."""
        while True:
            await self._came.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_came.wait(), GATHER_SECONDS)
            self._came.clear()
            self._all_came.clear()
            taken, self._waiting = self._waiting, []
            steps = [step for step, _ in taken]
            fates = await self.state.off_loop(persist, self.state, steps, self.now(), self.budgets)
            for (_, told), fate in zip(taken, fates, strict=True):
                if not told.done():  # its worker may be gone
                    told.set_result(fate)

    async def _hand_in(self, step: Step) -> Fate:
        told = asyncio.get_running_loop().create_future()
        self._waiting.append((step, told))
        self._came.set()
        if len(self._waiting) == self._workers:
            self._all_came.set()
        fate = await told
        if isinstance(fate, ClaimLostError):
            self._workers -= 1
        if isinstance(fate, Exception):
            raise fate
        return fate


@asynccontextmanager
async def open_desk(
    state: State, now: Callable[[], datetime], budgets: Budgets
) -> AsyncIterator[Desk]:
    """A desk that is served while the block lasts; what goes wrong at it ends the block."""
    async with asyncio.TaskGroup() as group:
        desk = Desk(state, now, budgets)
        serving = group.create_task(desk.serve())
        yield desk
        serving.cancel()
