"""Several reads in one call: a composite counts as one, and holds few queries."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx

from extractors.calls import Call, Reply, kind_of
from extractors.crm.salesforce.dialect import SYSTEM, explain
from extractors.crm.salesforce.query import ROOT
from extractors.errors import SourceError
from extractors.http import HttpDoor

CALLS_AT_ONCE, QUERIES_AT_ONCE = 25, 5


async def together(
    door: HttpDoor, asked: Mapping[str, Call], at_once: int
) -> Mapping[str, Reply | SourceError]:
    """What came of GETs, by their names, in as few calls as can be."""
    names = list(asked)
    chunks = [names[start : start + at_once] for start in range(0, len(names), at_once)]
    replies = await asyncio.gather(
        *(_composite(door, {name: asked[name] for name in chunk}) for chunk in chunks)
    )
    return {name: outcome for outcomes in replies for name, outcome in outcomes.items()}


async def all_together(
    door: HttpDoor, asked: Mapping[str, Call], at_once: int
) -> Mapping[str, Reply]:
    """The answers to GETs; the first that failed fails them all."""
    outcomes = await together(door, asked, at_once)
    replies = {name: found for name, found in outcomes.items() if isinstance(found, Reply)}
    for found in outcomes.values():
        if isinstance(found, SourceError):
            raise found
    return replies


async def _composite(
    door: HttpDoor, asked: Mapping[str, Call]
) -> Mapping[str, Reply | SourceError]:
    parts = [
        {"method": "GET", "url": _url(call), "referenceId": name} for name, call in asked.items()
    ]
    reply = await door.send(Call("POST", f"{ROOT}/composite", json={"compositeRequest": parts}))
    answers = {part["referenceId"]: part for part in reply.member("compositeResponse")}
    return {name: _outcome(reply, answers[name]) for name in asked}


def _outcome(reply: Reply, part: Mapping[str, Any]) -> Reply | SourceError:
    status, body = int(part["httpStatusCode"]), part["body"]
    if status < httpx.codes.BAD_REQUEST:
        return replace(reply, status=status, body=body)
    told = explain(status, body, reply.headers)
    return (told.kind or kind_of(status, "read"))(
        SYSTEM,
        f"{part['referenceId']} in a composite was answered {status} {told.code}: {told.message}",
        status=status,
        code=told.code,
        request_id=reply.request_id,
    )


def _url(call: Call) -> str:
    query = str(httpx.QueryParams(list(call.params)))
    return f"{call.path}?{query}" if query else call.path


class Gathering:
    """Sends queries that are asked in the same moment together."""

    def __init__(self, door: HttpDoor) -> None:
        self._door = door
        self._waiting: dict[str, tuple[Call, asyncio.Future[Reply]]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def send(self, call: Call) -> Reply:
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[f"query{len(self._waiting)}"] = call, answered
        if len(self._waiting) == 1:
            # It runs when all others have asked who are about to.
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await answered

    async def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        outcomes: Mapping[str, Reply | SourceError]
        try:
            if len(waiting) == 1:
                outcomes = {
                    name: await self._door.send(call) for name, (call, _) in waiting.items()
                }
            else:
                asked = {name: call for name, (call, _) in waiting.items()}
                outcomes = await together(self._door, asked, QUERIES_AT_ONCE)
        except SourceError as error:
            outcomes = dict.fromkeys(waiting, error)
        for name, (_, answered) in waiting.items():
            found = outcomes[name]
            if answered.done():
                continue
            if isinstance(found, SourceError):
                answered.set_exception(found)
            else:
                answered.set_result(found)
