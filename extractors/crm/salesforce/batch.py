"""Several reads in one request. The vendor's quota counts each of them; the round trip is one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from extractors.calls import Call, Reply, kind_of
from extractors.crm.salesforce.dialect import SYSTEM, explain
from extractors.crm.salesforce.query import DATA, ROOT
from extractors.errors import SourceError, Unauthorized
from extractors.http import HttpDoor

MOST_CALLS = 25


async def together(door: HttpDoor, calls: Sequence[Call]) -> Sequence[Reply | SourceError]:
    """What came of GETs, in their order, by as few requests as can be."""
    chunks = [calls[start : start + MOST_CALLS] for start in range(0, len(calls), MOST_CALLS)]
    answered = await asyncio.gather(*(_batch(door, chunk) for chunk in chunks))
    return [outcome for outcomes in answered for outcome in outcomes]


async def all_together(door: HttpDoor, calls: Mapping[str, Call]) -> Mapping[str, Reply]:
    """The answers to GETs by their names; the first that failed fails them all."""
    outcomes = dict(zip(calls, await together(door, list(calls.values())), strict=True))
    for outcome in outcomes.values():
        if isinstance(outcome, SourceError):
            raise outcome
    return {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Reply)}


async def _batch(door: HttpDoor, calls: Sequence[Call]) -> Sequence[Reply | SourceError]:
    parts = [{"method": call.method, "url": _url(call)} for call in calls]
    reply = await door.send(Call("POST", f"{ROOT}/composite/batch", json={"batchRequests": parts}))
    results = reply.member("results")
    outcomes = [_outcome(reply, call, part) for call, part in zip(calls, results, strict=True)]
    # A session can end between the request and a part of it. Alone, a call renews it.
    return [
        await door.send(call) if isinstance(outcome, Unauthorized) else outcome
        for call, outcome in zip(calls, outcomes, strict=True)
    ]


def _outcome(reply: Reply, call: Call, part: Mapping[str, Any]) -> Reply | SourceError:
    status, body = int(part["statusCode"]), part["result"]
    if status < httpx.codes.BAD_REQUEST:
        return replace(reply, status=status, body=body)
    told = explain(status, body, reply.headers)
    return (told.kind or kind_of(status, "read"))(
        SYSTEM,
        f"{call.method} {call.endpoint} in a batch was answered {status} {told.code}: "
        f"{told.message}",
        status=status,
        code=told.code,
        request_id=reply.request_id,
    )


def _url(call: Call) -> str:
    """Addresses in a batch begin with the version."""
    query = str(httpx.QueryParams(list(call.params)))
    path = call.path.removeprefix(f"{DATA}/")
    return f"{path}?{query}" if query else path


class Gathering:
    """Sends queries that are asked in the same moment together."""

    def __init__(self, door: HttpDoor) -> None:
        self._door = door
        self._waiting: list[tuple[Call, asyncio.Future[Reply]]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def send(self, call: Call) -> Reply:
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, answered))
        if len(self._waiting) == 1:
            # It runs when all others have asked who are about to.
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await answered

    async def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        calls = [call for call, _ in waiting]
        outcomes: Sequence[Reply | SourceError]
        try:
            if len(calls) == 1:
                outcomes = [await self._door.send(calls[0])]
            else:
                outcomes = await together(self._door, calls)
        except SourceError as error:
            outcomes = [error] * len(calls)
        for (_, answered), outcome in zip(waiting, outcomes, strict=True):
            if answered.done():
                continue
            if isinstance(outcome, SourceError):
                answered.set_exception(outcome)
            else:
                answered.set_result(outcome)
