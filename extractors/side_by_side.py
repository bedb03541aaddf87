"""Work side by side, of which the first failure is raised as it is and not as one of a group."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks side by side; the first failure ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


async def side_by_side(work: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """All results, in the order of the work."""
    async with together() as group:
        tasks = [group.create_task(one) for one in work]
    return [task.result() for task in tasks]


def _first(error: BaseException) -> BaseException:
    """The error that came first, out of groups in groups."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
