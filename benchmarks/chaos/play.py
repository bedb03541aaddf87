"""Plays one seed: the real dispatcher against the real servers, then looks at what is left."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import stamina

from benchmarks.chaos import verdict
from benchmarks.chaos.company import NIGHT, Repair, Template
from benchmarks.chaos.fuse import Fuse, Killed
from benchmarks.chaos.script import Script, Turn, draw
from benchmarks.chaos.wire import Sky, Wire
from benchmarks.chaos.witness import Witness
from extractors.billing.stripe.config import StripeConfig
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.http import HttpOptions
from extractors.registry import open_target
from extractors.sandbox.servers import connections, create_apps
from extractors.sandbox.store import Store
from reconcilers.corrections import desk as persisting
from reconcilers.corrections import dispatch as dispatching
from reconcilers.corrections.approval import approve, reject, replay
from reconcilers.corrections.brakes import halted, resume
from reconcilers.corrections.budget import Budget, Budgets
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.endings import ARRIVAL
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.undos import UNDONE_BY
from reconcilers.state.store import State, open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import SEALS
from tests.virtual_time import VirtualTime

CALM_RUNS = 6  # as often as dispatch is called when the weather has cleared
UNDONE_EACH = 4  # so many seeds: one of them ends with everything undone
WIDE = Budget(10**6, 10**15, 10**6)
STEPS = ((dispatching, "recover"), (persisting, "persist"))

_FUSE: ContextVar[Fuse] = ContextVar("fuse")


@dataclass(frozen=True)
class Result:
    """What came of a seed. `digest` is that of the whole trace: the same seed, the same digest."""

    seed: int
    breaches: tuple[str, ...]
    trace: tuple[str, ...]
    digest: str
    states: tuple[str, ...]
    steps: int
    calls: int
    overrun: int


class Stage:
    """A place to play in: a folder for the company, a store in memory for the outbox."""

    def __init__(self, template: Template, folder: Path) -> None:
        self.template = template
        self.folder = folder
        self.repairs = template.repairs
        self.state = open_state("sqlite://")

    def play(self, seed: int) -> Result:
        script = draw(seed, len(self.repairs))
        self.template.fill(self.state)
        with self.template.company(self.folder) as store:
            random.seed(seed)
            play = _Play(script, store, self.state, self.repairs)
            loop = _Alone()
            try:
                with stamina.set_testing(True, attempts=3, cap=True), _steps_counted():
                    loop.run_until_complete(play.perform(loop.time))
            finally:
                loop.close()
        return play.result()


class _Alone(VirtualTime):
    """Does itself what others give to threads: nothing depends on which of two is faster."""

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # whoever waits gets it
            done.set_exception(error)
        return done


@dataclass
class _Play:
    """One seed."""

    script: Script
    store: Store
    state: State
    repairs: list[Repair]

    def __post_init__(self) -> None:
        self.witness = Witness(self.store, self.state, self.repairs)
        dice = random.Random(f"weather:{self.script.seed}")
        apps: Any = create_apps(self.store)
        self.sky = Sky(self.script, self.store, apps, self.witness, dice)
        secrets = connections(self.store, {"salesforce": 1, "stripe": 1, "netsuite": 1})
        self.configs = [
            SalesforceConfig(**secrets["salesforce"]),
            StripeConfig(**secrets["stripe"]),
            NetSuiteConfig(**secrets["netsuite_tba"]),  # signing is cheap, certificates are not
        ]
        self.fuses: list[Fuse] = []

    async def perform(self, clock: Callable[[], float]) -> None:
        self._decide()
        for number, turn in enumerate(self.script.turns, 1):
            await self._turn(number, turn)
        self.sky.is_clear = True
        if halted(self.state):
            resume(self.state, "ann", "", self.store.now())
        while self.sky.afloat:
            await asyncio.gather(*self.sky.afloat)
        self.store.advance_clock(2 * ARRIVAL)  # whatever clocks say
        await self._come_to_an_end()
        self._raise_the_dead()
        await self._come_to_an_end()
        before = verdict.outbox(self.state)
        await self._dispatch(Fuse("once more", None), timedelta(), 4)
        if verdict.outbox(self.state) != before:
            self.witness.breach("I8", "another dispatch changed the outbox")
        verdict.check(self.store, self.state, self.witness)
        if self.script.seed % UNDONE_EACH == 0:
            await self._undo()
        self.sky.note("end", f"after {clock() - 1_000:.0f} s")

    def result(self) -> Result:
        states = tuple(view.state for view in list_corrections(self.state))
        trace = tuple(self.sky.trace)
        return Result(
            seed=self.script.seed,
            breaches=tuple(self.witness.breaches),
            trace=trace,
            digest=hashlib.sha256("\n".join((*trace, *states)).encode()).hexdigest(),
            states=states,
            steps=sum(fuse.steps for fuse in self.fuses),
            calls=self.witness.calls.total(),
            overrun=self.witness.overrun,
        )

    def _decide(self) -> None:
        waiting = {view.correction_id for view in list_corrections(self.state, states=["proposed"])}
        names = [repair.correction_id for repair in self.repairs]
        wanted = [names[n] for n in sorted(self.script.approved) if names[n] in waiting]
        said = approve(self.state, wanted, "ann", "", NIGHT)
        approve(self.state, [d.correction_id for d in said if d.still_needed], "eve", "", NIGHT)
        if self.script.rejected:
            reject(self.state, [names[n] for n in self.script.rejected], "ann", "no", NIGHT)

    async def _turn(self, number: int, turn: Turn) -> None:
        await asyncio.sleep(turn.gap.total_seconds())
        self.store.advance_clock(turn.gap)
        for what in turn.people:
            self.sky.note("people", what)
            self.sky.act(what, self.sky.dice.choice(self.repairs))
        async with asyncio.TaskGroup() as group:
            for n, (kill, skew) in enumerate(zip(turn.kills, turn.skews, strict=True)):
                fuse = Fuse(f"turn {number}{'ab'[n]}", kill, turn.budget)
                group.create_task(self._dispatch(fuse, skew, turn.concurrency))

    async def _dispatch(self, fuse: Fuse, skew: timedelta, concurrency: int) -> None:
        """One dispatcher, from its start to its end or its death."""
        self.fuses.append(fuse)
        _FUSE.set(fuse)

        def now() -> datetime:
            return self.store.now() + skew

        limits = dispatching.DispatchLimits(concurrency=concurrency, failures_in_a_row=8)
        try:
            async with AsyncExitStack() as stack:
                targets = {}
                for config in self.configs:
                    system = {SalesforceConfig: "salesforce", StripeConfig: "stripe"}.get(
                        type(config), "netsuite"
                    )
                    options = HttpOptions(transport=Wire(self.sky, system, fuse))
                    target = await stack.enter_async_context(open_target(config, options))
                    targets[system] = target
                summary = await dispatching.dispatch(
                    self.state,
                    targets,
                    now,
                    limits,
                    Budgets(replace(WIDE, rows=fuse.budget), WIDE),
                    seals=SEALS,
                )
                self.sky.note(fuse.name, f"{dict(summary.outcomes)} {dict(summary.stopped)}")
        except Killed:
            self.sky.note(fuse.name, f"dies at step {fuse.steps}")
        except BaseExceptionGroup as group:
            _require_killed(group)
            self.sky.note(fuse.name, f"dies at step {fuse.steps}")

    async def _come_to_an_end(self) -> None:
        """The weather has cleared: dispatch until nothing is left to do."""
        for number in range(1, CALM_RUNS + 1):
            await self._dispatch(Fuse(f"calm {number}", None), timedelta(), 4)
            if not verdict.open_corrections(self.state):
                return

    async def _undo(self) -> None:
        """Everything that was accepted, and that a call can undo, is undone again."""
        self.witness.is_over = True
        taken = list_corrections(self.state, states=[CorrectionState.ACCEPTED.value])
        undoable = [view.correction_id for view in taken if view.action in UNDONE_BY]
        # Journals are taken back in their own month; once it is closed, on the day that one names.
        on = NIGHT.date() if verdict.is_closed(self.store) else None
        undos = compensate(self.state, undoable, "ben", "undo", NIGHT, on=on)
        said = approve(self.state, [undo.correction_id for undo in undos], "ann", "", NIGHT)
        approve(self.state, [d.correction_id for d in said if d.still_needed], "eve", "", NIGHT)
        await self._come_to_an_end()
        verdict.check_undone(self.store, self.state, self.witness, undos)

    def _raise_the_dead(self) -> None:
        """An operator mends the cause and replays."""
        dead = list_corrections(self.state, states=[CorrectionState.DEAD.value])
        replay(self.state, [view.correction_id for view in dead], "ann", "mended", NIGHT)


def _require_killed(group: BaseExceptionGroup[BaseException]) -> None:
    others = group.split(Killed)[1]
    if others is not None:
        raise others


@contextmanager
def _steps_counted() -> Iterator[None]:
    """Before and after each transaction of the dispatcher is a step at which it can die."""
    kept = {step: getattr(*step) for step in STEPS}

    def stepping(function: Callable[..., Any]) -> Callable[..., Any]:
        def around(*args: Any, **kwargs: Any) -> Any:
            _FUSE.get().step()
            result = function(*args, **kwargs)
            _FUSE.get().step()
            return result

        return around

    try:
        for step, function in kept.items():
            setattr(*step, stepping(function))
        yield
    finally:
        for step, function in kept.items():
            setattr(*step, function)
