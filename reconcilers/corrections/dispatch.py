"""Sends approved corrections: the only code in Tieout that writes to a source system.

Before every write the target is looked at; an answer that never came is resolved by looking
again. Neither a crash nor a second dispatcher can make one correction take effect twice.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from extractors.errors import SourceError
from extractors.protocol import Target, WriteIntent
from extractors.telemetry import traced
from reconcilers.corrections import endings
from reconcilers.corrections.billing_checks import before_deed
from reconcilers.corrections.brakes import StoppedError, halted
from reconcilers.corrections.budget import DEFAULT_BUDGETS, Budgets
from reconcilers.corrections.claims import claimant
from reconcilers.corrections.correction import DEEDS, POSTINGS
from reconcilers.corrections.delivery import ClaimLostError, Order, Outcome, due, recover
from reconcilers.corrections.desk import Desk, open_desk
from reconcilers.corrections.guard import Guard, shipped_guard
from reconcilers.corrections.lanes import DispatchLimits, Lane
from reconcilers.corrections.look import Sight, Standing, look
from reconcilers.corrections.night import broken_tieouts
from reconcilers.corrections.record_checks import against_record
from reconcilers.corrections.send_checks import against_change, before_posting
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.veil import veil
from reconcilers.sealing import Seals
from reconcilers.state.store import State

__all__ = ["DispatchLimits", "DispatchSummary", "dispatch"]

BILLING = "stripe"
Clock = Callable[[], datetime]
S = CorrectionState


@dataclass(frozen=True)
class DispatchSummary:
    """What one run did: outcomes by name, and targets it gave up on, with the reason.

    While the tie-outs of the newest night do not hold, every target is stopped for that reason.
    """

    recovered: int
    outcomes: Mapping[str, int]
    stopped: Mapping[str, str]


async def dispatch(
    state: State,
    targets: Mapping[str, Target],
    now: Clock,
    limits: DispatchLimits | None = None,
    budgets: Budgets = DEFAULT_BUDGETS,
    *,
    guard: Guard | None = None,
    seals: Seals | None = None,
) -> DispatchSummary:
    """Send what is approved and resolve what is unknown, concurrently per target.

    `now` gives the business time (UTC) that is stored as sent and accepted; verification compares
    it with the targets' watermarks, so in the sandbox it has to be the sandbox's clock. A target
    whose own clock is ahead of it has accepted at its own time.
    A document is posted only after the systems that it is of still tell it as planned.
    Nothing is sent or looked up while the tie-outs of the newest recorded night do not all hold, or
    while a person's halt holds; nothing is sent beyond the budgets, and nothing that the matrix
    (`guard`, by default the one that ships) does not give on the day of the plan. What is sealed
    stays so but for the call, which `seals` opens it for.
    Returns when nothing more can be done in this run; whatever is left stays visible.
    """
    bounds, targets = limits or DispatchLimits(), veil(targets, seals)
    recovered = recover(state, now())
    held = halted(state)
    if reason := str(held) if held else broken_tieouts(state):
        return DispatchSummary(recovered, {}, dict.fromkeys(sorted(targets), reason))
    lanes = {system: Lane(target, bounds) for system, target in sorted(targets.items())}
    with claimant() as me:
        async with open_desk(state, now, budgets) as desk, asyncio.TaskGroup() as group:
            worker = _Worker(state, desk, me, guard or shipped_guard(), targets)
            for system, lane in lanes.items():
                group.create_task(worker.drain(system, lane))
    outcomes: Counter[str] = Counter()
    for lane in lanes.values():
        outcomes.update(lane.outcomes)
    return DispatchSummary(
        recovered=recovered,
        outcomes=dict(sorted(outcomes.items())),
        stopped={system: lane.stopped for system, lane in lanes.items() if lane.stopped},
    )


@dataclass(frozen=True)
class _Worker:
    """One dispatch run."""

    state: State
    desk: Desk
    me: str
    guard: Guard
    targets: Mapping[str, Target]

    @property
    def billing(self) -> Target | None:
        return self.targets.get(BILLING)

    async def drain(self, system: str, lane: Lane) -> None:
        """Work on one target until nothing is due, or nothing that may be tried again."""
        while ids := self._next(system, lane):
            gate = asyncio.Semaphore(lane.limits.concurrency)
            async with asyncio.TaskGroup() as group:
                group.create_task(lane.target.log_in())  # while the first claims are persisted
                for correction_id in ids:
                    group.create_task(self._gated(gate, lane, correction_id))

    def _next(self, system: str, lane: Lane) -> Sequence[str]:
        if lane.stopped:
            return ()
        return [each for each in due(self.state, system) if lane.may_try(each)]

    async def _gated(self, gate: asyncio.Semaphore, lane: Lane, correction_id: str) -> None:
        try:
            async with gate:
                lane.tries[correction_id] += 1
                if lane.stopped:
                    return
                order = await self.desk.claim(correction_id, self.me)
                if order is None:
                    return
                outcome = await self._alone(lane, order)
            # Whoever waits at the gate goes on: its claim is taken in the same transaction.
            settled = endings.once_settled(order, outcome, self.desk.now())
            await self.desk.finish(order, settled)
        except ClaimLostError:
            lane.outcomes["claim lost"] += 1
        else:
            lane.outcomes[settled.state.value] += 1

    async def _alone(self, lane: Lane, order: Order) -> Outcome:
        facts = {
            "correction_id": order.correction_id,
            "correlation_id": order.correlation_id,
            "system": order.system,
        }
        with traced(f"{order.kind} {order.object}", **facts):
            async with lane.alone_with(order):
                return await self._work(lane, order)

    async def _work(self, lane: Lane, order: Order) -> Outcome:
        try:
            sight = await look(lane.target, order)
            if order.kind == "look":
                outcome = endings.after_look(order, sight, lane.limits.writes)
            else:
                outcome = endings.before_write(order, sight) or await self._write(
                    lane, order, sight
                )
        except SourceError as error:  # while looking: nothing was sent in this attempt
            lane.note_failure(error)
            return endings.could_not_look(order, error)
        except ClaimLostError:
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("%s could not be worked on", order.correction_id)
            return endings.surprised(error)
        return replace(outcome, served_at=lane.target.newest_at)

    async def _against(self, lane: Lane, order: Order, sight: Sight) -> Outcome | None:
        """Why it must not be sent now; None when it may."""
        for day in (order.snapshot_date, self.desk.now().date()):
            if noes := self.guard.refusals(order, day):
                return endings.refused(noes)
        if stop := await against_change(lane.target, self.billing, order, sight):
            return stop
        if noes := await against_record(lane.target, self.billing, order):
            return endings.refused(noes)
        if order.action in POSTINGS:
            today = self.desk.now().date()
            return await before_posting(lane.target, self.billing, order, today)
        if order.action in DEEDS:
            return await before_deed(lane.target, self.targets, order)
        return None

    async def _unless_applied(self, lane: Lane, order: Order, no: Outcome) -> Outcome:
        """What stands against a second call is no word on the first: look again for its effect."""
        if not order.was_called:
            return no
        again = await look(lane.target, order)
        return endings.found_applied(again) if again.standing is Standing.DESIRED else no

    async def _write(self, lane: Lane, order: Order, sight: Sight) -> Outcome:
        if no := await self._against(lane, order, sight):
            return await self._unless_applied(lane, order, no)
        try:
            await self.desk.begin(order)
        except StoppedError as stop:
            lane.stopped = str(stop)
            return Outcome(S.APPROVED, "not sent", f"not sent: {stop}")
        try:
            receipt = await lane.target.write(
                WriteIntent(
                    operation=order.operation,
                    object=order.object,
                    record_id=order.record_id,
                    body=order.payload,
                    idempotency_key=order.idempotency_key,
                    correlation_id=order.correlation_id,
                    seen=sight.record,
                )
            )
        except SourceError as error:
            lane.note_failure(error)
            return endings.failed(error)
        lane.note_success()
        return endings.accepted(receipt)
