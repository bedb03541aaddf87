"""The record API: where records are, what fields they have, and writes that can be sent twice."""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from extractors.calls import Call, Reply
from extractors.erp.netsuite.suiteql import SYSTEM
from extractors.errors import Conflict, ContractBroken, Rejected, Unauthorized, UnknownOutcome
from extractors.http import HttpDoor

RECORD_PATH = "/services/rest/record/v1"
# The vendor wants UUIDs for keys; ours become such, always the same one.
KEYS = uuid.UUID("3b0d5c0e-5f0e-5b52-9d0c-6f6c1a2f7e11")
# Jobs wait in the account's own queue; one that takes longer is looked for another time.
JOB_SECONDS = 300.0
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0


def path_of(kind: str, key: str) -> str:
    return f"{RECORD_PATH}/{kind}/{quote(key, safe=':')}"


async def fields_of(door: HttpDoor, kinds: Sequence[str]) -> dict[str, str] | None:
    """The fields of record types, as the account has them, in lower case.

    None for a role that may not see the catalog: it may query all the same.
    """
    call = Call(
        "GET",
        f"{RECORD_PATH}/metadata-catalog",
        params=(("select", ",".join(kinds)),),
        headers={"Accept": "application/swagger+json"},
    )
    try:
        reply = await door.send(call)
    except (Rejected, Unauthorized):
        return None
    schemas = reply.member("components").get("schemas", {})
    return {
        name.lower(): _type_of(told)
        for kind in kinds
        for name, told in schemas.get(kind, {}).get("properties", {}).items()
        if name != "links"
    }


def _type_of(told: Mapping[str, Any]) -> str:
    return str(told.get("format") or told.get("type") or "unknown")


async def done_once(door: HttpDoor, call: Call, key: str) -> Reply:
    """The answer to a write that takes effect once, however often it is sent under its key.

    The vendor honours keys of asynchronous requests only. A key that it knows already is refused
    with a pointer to the first job: its result is the answer.
    """
    headers = {
        **call.headers,
        "Prefer": "respond-async",
        "X-NetSuite-Idempotency-Key": str(uuid.uuid5(KEYS, key)),
    }
    try:
        accepted = await door.send(replace(call, headers=headers, repeatable=True))
        location = accepted.headers.get("location")
    except Conflict as error:
        if error.code != "IDEMPOTENCY_ERROR":
            raise
        location = error.location
    if not location:
        raise ContractBroken(SYSTEM, f"{call.method} {call.path}: no job was named")
    job = urlsplit(location).path
    await _completed(door, job)
    tasks = (await door.send(Call("GET", f"{job}/task"))).member("items")
    task = urlsplit(tasks[0]["links"][0]["href"]).path
    # The result is the write's own answer: a failure in it is a failure of the write.
    return await door.send(Call("GET", f"{task}/result", kind="write"))


async def _completed(door: HttpDoor, job: str) -> None:
    """Return when the job is through; wait longer from look to look."""
    deadline = time.monotonic() + JOB_SECONDS
    wait = _FIRST_WAIT
    while not (await door.send(Call("GET", job))).member("completed"):
        if time.monotonic() + wait > deadline:
            raise UnknownOutcome(SYSTEM, f"{job} is still pending after {JOB_SECONDS:.0f} s")
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)
