"""Carries a dispatcher's calls to the sandbox's servers, in virtual time, as the weather has it."""

import asyncio
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any

import httpx

from benchmarks.chaos.company import PERIOD, Repair
from benchmarks.chaos.fuse import Fuse
from benchmarks.chaos.script import LONGEST_BURST, READ_FAULTS, WRITE_FAULTS, Script
from benchmarks.chaos.witness import Witness
from extractors.sandbox.credentials import revoke_tokens
from extractors.sandbox.netsuite_account import set_up_account
from extractors.sandbox.refusals import DISTURBED, OVERLOADED, REFUSALS
from extractors.sandbox.salesforce_records import LOCKS
from extractors.sandbox.store import Store
from reconcilers.corrections.brakes import halt, halted

LOGIN = "/token"
READ_BY_POST = "/suiteql"
OTHERS = {
    "Status__c": "Paused",
    "ARR__c": "1.0",
    "status": "void",
}  # what people write into fields of their own kind
LONGEST_DELAY = 400.0  # seconds until a late write arrives: longer than any client waits
LONGEST_LAG = 20 * 3600.0  # seconds that a read may be behind: dispatch counts on less than a day


@dataclass
class Sky:
    """The weather of one seed, and the network under it, in which writes can be on their way."""

    script: Script
    store: Store
    apps: dict[str, Any]
    witness: Witness
    dice: Random
    is_clear: bool = False
    trace: list[str] = field(default_factory=list)
    shown: dict[str, tuple[float, tuple[int, Any, bytes]]] = field(default_factory=dict)
    afloat: set[asyncio.Task[None]] = field(default_factory=set)
    burst: tuple[str, int] = ("", 0)

    def note(self, who: str, what: str) -> None:
        at = asyncio.get_running_loop().time() - 1_000
        self.trace.append(f"{at:10.3f} {who}: {what}")

    def seconds(self) -> float:
        """How long a message takes."""
        return self.dice.choice((0.0, 0.01, self.dice.uniform(0.02, 0.4)))

    def fault(self, kind: str, names: tuple[str, ...]) -> str:
        """What befalls this call; '' when nothing does. Trouble of a server comes in bursts."""
        if self.is_clear:
            return ""
        name, left = self.burst
        if left and name in names:
            self.burst = (name, left - 1)
            return name
        for name in names:
            rate = self.script.rates.get(f"{kind} {name}", 0)
            if rate and self.dice.randrange(100) < rate:
                if name == "busy":
                    self.burst = (name, self.dice.randrange(LONGEST_BURST))
                return name
        return ""

    async def deliver(self, system: str, request: httpx.Request) -> httpx.Response:
        """Let the server take a call. Its answer is read to the end."""
        transport = httpx.ASGITransport(self.apps[system])
        repair = self.repair(system, request)
        was = repair.value(self.store) if repair else None
        answer = await transport.handle_async_request(request)
        packed = b"".join([piece async for piece in answer.aiter_raw()])
        if repair is not None:
            self.witness.sees_writing(repair, was)
        return _response(answer.status_code, answer.headers, packed)

    def repair(self, system: str, request: httpx.Request) -> Repair | None:
        return None if is_read(request) else self.witness.repair_of(system, *told(request))

    def float_off(self, system: str, request: httpx.Request, who: str, seconds: float) -> None:
        """A write that its sender gave up, or died over, arrives all the same."""

        async def arrive() -> None:
            await asyncio.sleep(seconds)
            answer = await self.deliver(system, request)
            self.note(who, f"its late {line(request)} arrives: {answer.status_code}")

        task = asyncio.create_task(arrive())
        self.afloat.add(task)
        task.add_done_callback(self.afloat.discard)

    def copy_of(self, request: httpx.Request) -> tuple[int, Any, bytes] | None:
        """What a copy that lags behind tells: the last answer, unless it is older than any lag."""
        at, answer = self.shown.get(_name(request), (-inf, None))
        return answer if asyncio.get_running_loop().time() - at <= LONGEST_LAG else None

    def act(self, what: str, repair: Repair | None = None) -> None:
        """Something that people do to the company."""
        store = self.store
        if what == "changed" and repair is not None and not repair.is_posting:
            repair.overwrite(store, OTHERS.get(repair.column, "somebody"))
            self.witness.sees_change(repair)
        elif what == "period closed":
            store.put("netsuite", "accountingperiod", {"id": PERIOD, "closed": "T"})
        elif what == "number taken":
            key = store.new_id("netsuite", "transaction")
            taken = {"id": key, "type": "CustInvc", "tranid": "UK-in_1", "status": "A"}
            store.put("netsuite", "transaction", taken)
        elif what == "halted" and not halted(self.witness.state):
            halt(self.witness.state, "ann", "to be sure", store.now())
        elif what == "billing changed":
            store.put("stripe", "invoice", {"id": "in_2", "status": "void"})


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """The line from one dispatcher to one server."""

    sky: Sky
    system: str
    fuse: Fuse

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sky, who = self.sky, f"{self.fuse.name} {self.system}"
        await request.aread()
        self.fuse.step()  # before it goes out
        if request.url.path.endswith(LOGIN):
            return await sky.deliver(self.system, request)
        if is_read(request):
            fault = sky.fault("read", READ_FAULTS)
        else:
            repair = sky.repair(self.system, request)
            sky.witness.sees_sending(repair, self.fuse.name, self.fuse.budget)
            fault = sky.fault("write", WRITE_FAULTS)
        try:
            await asyncio.sleep(sky.seconds())
        except asyncio.CancelledError:
            # Its sender died; the network may carry it on all the same.
            if not is_read(request) and sky.dice.random() < 1 / 2:
                sky.float_off(self.system, request, who, sky.dice.uniform(0, LONGEST_DELAY))
            raise
        try:
            answer = await self._meet(fault, request, who)
        except httpx.TimeoutException:
            sky.note(who, f"{line(request)}: {fault}")
            self.fuse.step()
            raise
        sky.note(who, f"{line(request)}: {fault + ', ' if fault else ''}{answer.status_code}")
        self._tell(request, answer.status_code, is_stale=fault == "stale")
        self.fuse.step()  # taken, and not yet answered
        await asyncio.sleep(sky.seconds())
        return answer

    def _tell(self, request: httpx.Request, status: int, *, is_stale: bool) -> None:
        """Let the witness know what the dispatcher knows."""
        witness, repair = self.sky.witness, self.sky.repair(self.system, request)
        if is_read(request) and status in {httpx.codes.OK, httpx.codes.NOT_FOUND}:
            witness.sees_look(self.system, *told(request), is_stale=is_stale)
        elif repair is not None and httpx.codes.is_client_error(status):
            witness.sees_refusal(repair)

    async def _meet(self, fault: str, request: httpx.Request, who: str) -> httpx.Response:
        sky, repair = self.sky, self.sky.repair(self.system, request)
        if fault in {"no answer", "never came", "late"}:
            if fault == "late":
                sky.float_off(self.system, request, who, sky.dice.uniform(0, LONGEST_DELAY))
            raise httpx.ReadTimeout("no answer", request=request)
        if refusal := await self._refusal(fault, request, repair):
            return refusal
        self._turn_the_world(fault, repair)
        answer = await sky.deliver(self.system, request)
        if fault == "answer lost":
            raise httpx.ReadTimeout("no answer", request=request)
        if fault == "answered 500":
            return _refusal(REFUSALS[self.system]["error"])
        if fault == "twice":
            sky.float_off(self.system, request, who, sky.dice.uniform(0, LONGEST_DELAY))
        if is_read(request):
            raw = b"".join([piece async for piece in answer.aiter_raw()])
            told_now = (answer.status_code, answer.headers, raw)
            sky.shown[_name(request)] = (asyncio.get_running_loop().time(), told_now)
            return _response(*told_now)
        return answer

    async def _refusal(
        self, fault: str, request: httpx.Request, repair: Repair | None
    ) -> httpx.Response | None:
        """An answer without an effect: a refusal, or what was answered some time ago."""
        if fault in {"busy", "too many"}:
            names = DISTURBED if fault == "busy" else OVERLOADED
            return _refusal(REFUSALS[self.system][self.sky.dice.choice(names[self.system])])
        if fault == "stale" and (copy := self.sky.copy_of(request)):
            return _response(*copy)
        return await self._locked(request, repair) if fault == "locked" else None

    def _turn_the_world(self, fault: str, repair: Repair | None) -> None:
        """What happens between a look and its write."""
        if fault == "session over":
            revoke_tokens(self.sky.store)
        elif fault in {"period closed", "number taken"}:
            self.sky.act(fault)
        elif fault == "changed before":
            self.sky.act("changed", repair)

    async def _locked(self, request: httpx.Request, repair: Repair | None) -> httpx.Response | None:
        """The server's own refusal of a record that somebody else holds."""
        store = self.sky.store
        if repair is None or repair.is_posting:
            return None
        if self.system == "stripe":
            return _refusal(REFUSALS["stripe"]["lock"])
        if self.system == "salesforce":
            store.set_meta(LOCKS, {repair.record_id: 1})
            return await self.sky.deliver(self.system, request)
        set_up_account(store, contended=(f"customer/{repair.record_id}",))
        answer = await self.sky.deliver(self.system, request)
        set_up_account(store, contended=())
        return answer


def is_read(request: httpx.Request) -> bool:
    path = request.url.path
    return request.method == "GET" or path.endswith((READ_BY_POST, LOGIN))


def told(request: httpx.Request) -> tuple[str, bytes]:
    return request.url.path, request.content


def line(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path.rpartition('/v1/')[2].rpartition('sobjects/')[2]}"


def _name(request: httpx.Request) -> str:
    return f"{request.url} {request.content!r}"


def _refusal(refusal: Any) -> httpx.Response:
    headers = {**refusal.headers, "content-type": refusal.media_type}
    return _response(refusal.status, headers, refusal.content)


def _response(status: int, headers: Any, packed: bytes) -> httpx.Response:
    """An answer that is still to be read, packed as it came."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(packed))
