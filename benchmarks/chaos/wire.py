"""Carries a dispatcher's calls to the sandbox's servers, in virtual time, as the weather has it."""

import asyncio
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any

import httpx

from benchmarks.chaos.calls import LOGIN, answers, composed, is_read, line, names, parts
from benchmarks.chaos.company import PERIOD, Repair
from benchmarks.chaos.fuse import Fuse
from benchmarks.chaos.script import LONGEST_BURST, READ_FAULTS, WRITE_FAULTS, Script
from benchmarks.chaos.witness import Witness
from extractors.sandbox.credentials import revoke_tokens
from extractors.sandbox.faults import REQUESTS
from extractors.sandbox.netsuite_account import set_up_account
from extractors.sandbox.refusals import DISTURBED, OVERLOADED, REFUSALS
from extractors.sandbox.salesforce_records import LOCKS
from extractors.sandbox.store import Store
from reconcilers.corrections.brakes import halt, halted

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
        written = [
            (each, each.value(self.store)) for each in filter(None, self.repairs(system, request))
        ]
        answer = await transport.handle_async_request(request)
        packed = b"".join([piece async for piece in answer.aiter_raw()])
        for repair, was in written:
            self.witness.sees_writing(repair, was)
        return _response(answer.status_code, answer.headers, packed)

    def repairs(self, system: str, request: httpx.Request) -> list[Repair | None]:
        """The corrections that the writes in a request are for."""
        writes = () if is_read(request) else parts(request)
        return [self.witness.repair_of(system, part.path, part.content) for part in writes]

    def repair(self, system: str, request: httpx.Request) -> Repair | None:
        """One of them, which something befalls."""
        known = [each for each in self.repairs(system, request) if each]
        return self.dice.choice(known) if known else None

    def float_off(self, system: str, request: httpx.Request, who: str, seconds: float) -> None:
        """A write that its sender gave up, or died over, arrives all the same."""

        async def arrive() -> None:
            await asyncio.sleep(seconds)
            answer = await self.deliver(system, request)
            self.note(who, f"its late {line(request)} arrives: {answer.status_code}")

        task = asyncio.create_task(arrive())
        self.afloat.add(task)
        task.add_done_callback(self.afloat.discard)

    def show(self, request: httpx.Request, status: int, headers: Any, packed: bytes) -> None:
        """Remember an answer, for copies that will lag behind: of each call in it by itself."""
        now = asyncio.get_running_loop().time()
        for name, (told, body) in zip(
            names(request), answers(request, status, packed), strict=True
        ):
            self.shown[name] = (now, (told, headers, body))

    def copy_of(self, request: httpx.Request) -> tuple[int, Any, bytes] | None:
        """What a copy that lags behind tells: the last answer, unless it is older than any lag."""
        known = [self.shown[name] for name in names(request) if name in self.shown]
        oldest = min((at for at, _ in known), default=-inf)
        is_lag = asyncio.get_running_loop().time() - oldest <= LONGEST_LAG
        if not is_lag or len(known) < len(parts(request)):
            return None
        copies = [answer for _, answer in known]
        whole = composed(request, [(status, body) for status, _, body in copies])
        return (whole[0], copies[0][1], whole[1])

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
            for repair in sky.repairs(self.system, request):
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
        packed = b"".join([piece async for piece in answer.aiter_raw()])
        told = [status for status, _ in answers(request, answer.status_code, packed)]
        shown = " ".join(map(str, told))
        sky.note(who, f"{line(request)}: {fault + ', ' if fault else ''}{shown}")
        self._tell(request, told, is_stale=fault == "stale")
        self.fuse.step()  # taken, and not yet answered
        await asyncio.sleep(sky.seconds())
        return _response(answer.status_code, answer.headers, packed)

    def _tell(self, request: httpx.Request, told: list[int], *, is_stale: bool) -> None:
        """Let the witness know what the dispatcher knows."""
        witness = self.sky.witness
        if is_read(request):
            for part, status in zip(parts(request), told, strict=True):
                if status in {httpx.codes.OK, httpx.codes.NOT_FOUND}:
                    witness.sees_look(self.system, part.path, part.content, is_stale=is_stale)
            return
        for repair, status in zip(self.sky.repairs(self.system, request), told, strict=True):
            if repair is not None and httpx.codes.is_client_error(status):
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
        if fault == "part refused":
            self._refuse_part(request)
        answer = await sky.deliver(self.system, request)
        if fault == "part refused":
            sky.store.set_meta(REQUESTS, None)  # no part is left of what was refused as a whole
        if fault == "answer lost":
            raise httpx.ReadTimeout("no answer", request=request)
        if fault == "answered 500":
            return _refusal(REFUSALS[self.system]["error"])
        if fault == "twice":
            sky.float_off(self.system, request, who, sky.dice.uniform(0, LONGEST_DELAY))
        if is_read(request):
            raw = b"".join([piece async for piece in answer.aiter_raw()])
            sky.show(request, answer.status_code, answer.headers, raw)
            return _response(answer.status_code, answer.headers, raw)
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

    def _refuse_part(self, request: httpx.Request) -> None:
        """One call among others is not carried out, or is and is told to have failed."""
        if len(among := parts(request)) > 1:
            part = self.sky.dice.choice(among)
            how = {"status": 503, "lose_answer": self.sky.dice.random() < 1 / 2}
            fault = {"system": self.system, "method": part.method, "path": part.path, "times": 1}
            self.sky.store.set_meta(REQUESTS, [fault | how])

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


def _refusal(refusal: Any) -> httpx.Response:
    headers = {**refusal.headers, "content-type": refusal.media_type}
    return _response(refusal.status, headers, refusal.content)


def _response(status: int, headers: Any, packed: bytes) -> httpx.Response:
    """An answer that is still to be read, packed as it came."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(packed))
