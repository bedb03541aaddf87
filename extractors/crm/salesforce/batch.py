"""Several reads in one request. The vendor's quota counts each of them; the round trip is one."""

import asyncio
from collections.abc import Mapping, Sequence

import httpx

from extractors.calls import Call, Reply
from extractors.crm.salesforce.gathering import MOST_CALLS, Outcomes
from extractors.crm.salesforce.query import DATA, ROOT
from extractors.errors import SourceError, Unauthorized
from extractors.http import HttpDoor


async def together(door: HttpDoor, calls: Sequence[Call]) -> Outcomes:
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


async def _batch(door: HttpDoor, calls: Sequence[Call]) -> Outcomes:
    parts = [{"method": call.method, "url": _url(call)} for call in calls]
    reply = await door.send(Call("POST", f"{ROOT}/composite/batch", json={"batchRequests": parts}))
    outcomes = [
        door.part(reply, call, int(part["statusCode"]), {}, part["result"])
        for call, part in zip(calls, reply.member("results"), strict=True)
    ]
    # A session can end between the request and a part of it. Alone, a call renews it.
    return [
        await door.send(call) if isinstance(outcome, Unauthorized) else outcome
        for call, outcome in zip(calls, outcomes, strict=True)
    ]


def _url(call: Call) -> str:
    """Addresses in a batch begin with the version."""
    query = str(httpx.QueryParams(list(call.params)))
    path = call.path.removeprefix(f"{DATA}/")
    return f"{path}?{query}" if query else path
