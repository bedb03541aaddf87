"""Calls that are asked in the same moment go out in one request."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from extractors.calls import Call, Reply
from extractors.errors import SourceError
from extractors.http import HttpDoor

MOST_CALLS = 25
Outcomes = Sequence[Reply | SourceError]
Together = Callable[[HttpDoor, Sequence[Call]], Awaitable[Outcomes]]


class Gathering:
    """Sends up to 25 calls `together`; a call that nobody joins goes out as it is."""

    def __init__(self, door: HttpDoor, together: Together) -> None:
        self._door = door
        self._together = together
        self._open: list[tuple[Call, asyncio.Future[Reply]]] = []

    async def send(self, call: Call) -> Reply:
        group, answered = self._open, asyncio.get_running_loop().create_future()
        group.append((call, answered))
        if len(group) == MOST_CALLS:
            self._open = []
        if group[0][1] is answered:
            await self._lead(group)
        return await answered

    async def _lead(self, group: list[tuple[Call, asyncio.Future[Reply]]]) -> None:
        """Who asks first sends for all; what ends it ends those who wait for it, too."""
        try:
            await asyncio.sleep(0)  # when it returns all have asked who are about to
            if self._open is group:
                self._open = []
            outcomes = await self._outcomes([call for call, _ in group])
        except asyncio.CancelledError:
            for _, answered in group:
                answered.cancel()
            raise
        except BaseException as error:
            self._settle(group[1:], [error] * (len(group) - 1))
            raise
        self._settle(group, outcomes)

    async def _outcomes(self, calls: Sequence[Call]) -> Outcomes:
        if len(calls) == 1:
            return [await self._door.send(calls[0])]
        return await self._together(self._door, calls)

    def _settle(
        self,
        group: Sequence[tuple[Call, asyncio.Future[Reply]]],
        outcomes: Sequence[Reply | BaseException],
    ) -> None:
        for (_, answered), outcome in zip(group, outcomes, strict=True):
            if answered.done():
                continue
            if isinstance(outcome, BaseException):
                answered.set_exception(outcome)
            else:
                answered.set_result(outcome)
