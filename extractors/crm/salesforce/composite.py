"""Reads, or writes, that go out in one request of `/composite`, each with a fate of its own.

The vendor's quota counts the request once. None of the calls depends on another, and each has
headers of its own, by which a write is still made under a condition.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from extractors.calls import Call, Reply
from extractors.crm.salesforce.dialect import SYSTEM
from extractors.crm.salesforce.gathering import Outcomes
from extractors.crm.salesforce.query import ROOT
from extractors.errors import ContractBroken, Rejected, SourceError, Transient, UnknownOutcome
from extractors.http import HttpDoor

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


def refers(call: Call) -> bool:
    """Whether the vendor would take a value for a reference to what another call was answered."""
    return "@{" in json.dumps(call.json)


async def composed(door: HttpDoor, calls: Sequence[Call]) -> Outcomes:
    """What came of each of 25 calls at most, all of one kind, in their order.

    Without an answer to the request the outcome of every write in it is unknown. One that is
    refused as a whole carried nothing out: what is wrong with one call is not held against others.
    """
    named = {_name(number, call): call for number, call in enumerate(calls)}
    try:
        whole = await door.send(_request(named))
    except Rejected:
        return await asyncio.gather(*(_alone(door, call) for call in calls))
    except SourceError as error:
        return [error.for_part(call.correlation_id) for call in calls]
    told = _told(whole)
    outcomes = [_outcome(door, whole, call, told.get(name)) for name, call in named.items()]
    settling = (_settled(door, *each) for each in zip(calls, outcomes, strict=True))
    return await asyncio.gather(*settling)


def _request(named: Mapping[str, Call]) -> Call:
    parts = [
        {"method": call.method, "url": call.path, "referenceId": name}
        | ({"httpHeaders": dict(call.headers)} if call.headers else {})
        | ({"body": call.json} if call.json is not None else {})
        for name, call in named.items()
    ]
    body = {"allOrNone": False, "collateSubrequests": False, "compositeRequest": parts}
    one = next(iter(named.values()))
    path = f"{ROOT}/composite"
    return Call("POST", path, json=body, kind=one.kind, repeatable=one.repeatable)


def _name(number: int, call: Call) -> str:
    """The reference of a call, which is found in the vendor's answer and names its thread."""
    return _NOT_IN_A_NAME.sub("_", f"r{number}_{call.correlation_id or ''}").rstrip("_")


def _told(whole: Reply) -> Mapping[str, Mapping[str, Any]]:
    """The parts of an answer by their references."""
    parts = whole.body.get("compositeResponse") if isinstance(whole.body, Mapping) else None
    known = [part for part in parts or () if isinstance(part, Mapping)]
    return {part["referenceId"]: part for part in known if "referenceId" in part}


def _outcome(
    door: HttpDoor, whole: Reply, call: Call, part: Mapping[str, Any] | None
) -> Reply | SourceError:
    status = str((part or {}).get("httpStatusCode"))
    if part is None or not status.isdecimal():
        kind = UnknownOutcome if call.kind == "write" else ContractBroken
        return kind(
            SYSTEM,
            f"{call.method} {call.endpoint} has no part in the answer to several calls",
            request_id=whole.request_id,
            correlation_id=call.correlation_id,
        )
    return door.part(whole, call, int(status), part.get("httpHeaders") or {}, part.get("body"))


async def _settled(door: HttpDoor, call: Call, outcome: Reply | SourceError) -> Reply | SourceError:
    """A session can end before a part is reached, and a read can be tried again: alone."""
    if not isinstance(outcome, SourceError):
        return outcome
    may_be_read = call.repeatable and isinstance(outcome, Transient) and outcome.worth_waiting
    if not may_be_read and outcome.status != httpx.codes.UNAUTHORIZED:
        return outcome
    return await _alone(door, call)


async def _alone(door: HttpDoor, call: Call) -> Reply | SourceError:
    try:
        return await door.send(call)
    except SourceError as error:
        return error
