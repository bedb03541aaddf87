"""Sends approved corrections: the only code in Tieout that writes to a source system.

Before every write the target is looked at; an answer that never came is resolved by looking
again. Neither a crash nor a second dispatcher can make one correction take effect twice.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from extractors.errors import (
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    SourceError,
    Transient,
    Unauthorized,
    UnknownOutcome,
)
from extractors.protocol import Target, WriteIntent
from reconcilers.corrections.brakes import StoppedError, halted
from reconcilers.corrections.budget import DEFAULT_BUDGETS, Budgets
from reconcilers.corrections.claims import claimant
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.delivery import (
    NOT_TAKEN,
    REJECTED,
    ClaimLostError,
    Order,
    Outcome,
    begin_write,
    claim,
    due,
    finish,
    recover,
)
from reconcilers.corrections.erp_invoice import BILLED
from reconcilers.corrections.guard import Guard, shipped_guard
from reconcilers.corrections.look import Sight, Standing, look
from reconcilers.corrections.night import broken_tieouts
from reconcilers.corrections.outbox import OVERTAKEN
from reconcilers.corrections.posting import (
    DocumentAppearedError,
    changed_in_billing,
    check_at_send_time,
    no_billing_to_ask,
)
from reconcilers.corrections.states import CorrectionState
from reconcilers.state.store import State

BILLING = "stripe"
Clock = Callable[[], datetime]
S = CorrectionState


@dataclass(frozen=True)
class DispatchLimits:
    """How hard dispatch tries. `writes` bounds calls per correction over all runs.

    A target is given up on for the run after so many `failures_in_a_row` of its own, or so many
    refusals of ours.
    """

    concurrency: int = 16
    tries_per_run: int = 4
    writes: int = 6
    failures_in_a_row: int = 3
    rejections_in_a_row: int = 10


@dataclass(frozen=True)
class DispatchSummary:
    """What one run did: outcomes by name, and targets it gave up on, with the reason.

    While the tie-outs of the newest night do not hold, every target is stopped for that reason.
    """

    recovered: int
    outcomes: Mapping[str, int]
    stopped: Mapping[str, str]


@dataclass
class _Lane:
    """One target in one run: how often each correction was tried, and whether to go on."""

    target: Target
    tries: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    rejections: int = 0
    stopped: str | None = None


async def dispatch(
    state: State,
    targets: Mapping[str, Target],
    now: Clock,
    limits: DispatchLimits | None = None,
    budgets: Budgets = DEFAULT_BUDGETS,
    *,
    guard: Guard | None = None,
) -> DispatchSummary:
    """Send what is approved and resolve what is unknown, concurrently per target.

    `now` gives the business time (UTC) that is stored as sent and accepted; verification compares
    it with the targets' watermarks, so in the sandbox it has to be the sandbox's clock.
    An invoice is posted only after the billing system, one of `targets`, still tells it as planned.
    Nothing is sent or looked up while the tie-outs of the newest recorded night do not all hold, or
    while a person's halt holds; nothing is sent beyond the budgets, and nothing that the matrix
    (`guard`, by default the one that ships) does not give on the day of the plan.
    Returns when nothing more can be done in this run; whatever is left stays visible.
    """
    bounds = limits or DispatchLimits()
    recovered = recover(state, now())
    held = halted(state)
    if reason := str(held) if held else broken_tieouts(state):
        return DispatchSummary(recovered, {}, dict.fromkeys(sorted(targets), reason))
    lanes = {system: _Lane(target) for system, target in sorted(targets.items())}
    with claimant() as me:
        law, billing = guard or shipped_guard(), targets.get(BILLING)
        worker = _Worker(state, now, me, bounds, budgets, law, billing)
        async with asyncio.TaskGroup() as group:
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
    now: Clock
    me: str
    limits: DispatchLimits
    budgets: Budgets
    guard: Guard
    billing: Target | None

    async def drain(self, system: str, lane: _Lane) -> None:
        """Work on one target until nothing is due, or nothing that may be tried again."""
        while ids := self._next(system, lane):
            gate = asyncio.Semaphore(self.limits.concurrency)
            async with asyncio.TaskGroup() as group:
                for correction_id in ids:
                    group.create_task(self._gated(gate, lane, correction_id))

    def _next(self, system: str, lane: _Lane) -> Sequence[str]:
        if lane.stopped:
            return ()
        return [
            correction_id
            for correction_id in due(self.state, system)
            if lane.tries[correction_id] < self.limits.tries_per_run
        ]

    async def _gated(self, gate: asyncio.Semaphore, lane: _Lane, correction_id: str) -> None:
        async with gate:
            lane.tries[correction_id] += 1
            if lane.stopped:
                return
            order = claim(self.state, correction_id, self.me, self.now())
            if order is None:
                return
            try:
                outcome = await self._work(lane, order)
                finish(self.state, order, outcome, self.now())
            except ClaimLostError:
                lane.outcomes["claim lost"] += 1
                return
            lane.outcomes[outcome.state.value] += 1

    async def _work(self, lane: _Lane, order: Order) -> Outcome:
        try:
            sight = await look(lane.target, order)
            if order.kind == "look":
                return self._resolve(order, sight)
            return self._before_write(order, sight) or await self._write(lane, order, sight)
        except SourceError as error:  # while looking: nothing was sent in this attempt
            self._note_failure(lane, error)
            return _could_not_look(order, error)

    def _before_write(self, order: Order, sight: Sight) -> Outcome | None:
        """Compare and set: only the value that drifted may be written over."""
        if no := sight.refusal:
            if order.was_called:  # it may be our own memo that paid it, which the look missed
                return Outcome(S.APPROVED, "not sent", f"not sent: {no.problem}; looked at again")
            return _refused((no,))
        if sight.standing is Standing.DRIFTED:
            return None
        if sight.standing is Standing.DESIRED and (order.was_called or sight.is_ours):
            return _found_applied(sight)  # an earlier call of ours took effect after all
        return Outcome(S.SUPERSEDED, OVERTAKEN, sight.words, target_record_id=sight.record_id)

    def _resolve(self, order: Order, sight: Sight) -> Outcome:
        """What an earlier call did, told by the target itself."""
        if sight.standing is Standing.DESIRED:
            return _found_applied(sight)
        if sight.standing is Standing.OTHER:
            return Outcome(S.SUPERSEDED, OVERTAKEN, sight.words, target_record_id=sight.record_id)
        if order.writes >= self.limits.writes:
            return Outcome(S.DEAD, "not applied", f"not applied after {order.writes} calls")
        return Outcome(S.APPROVED, "not applied", "looked: the call had no effect; sent again")

    async def _write(self, lane: _Lane, order: Order, sight: Sight) -> Outcome:
        if noes := self.guard.refusals(order, order.snapshot_date):
            return _refused(noes)
        if order.action == "post_erp_invoice" and (stop := await self._check_posting(lane, order)):
            return stop
        try:
            begin_write(self.state, order, self.now(), self.budgets)
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
            self._note_failure(lane, error)
            return self._failed(error)
        lane.failures = lane.rejections = 0
        return Outcome(
            S.ACCEPTED,
            "accepted",
            "the target accepted it",
            status=receipt.status,
            request_id=receipt.request_id,
            body_excerpt=receipt.body_excerpt,
            target_record_id=receipt.record_id,
        )

    async def _check_posting(self, lane: _Lane, order: Order) -> Outcome | None:
        """Ask both sides again for what may have changed since the plan."""
        try:
            refusals = await check_at_send_time(lane.target, order.payload, order.record_id)
        except DocumentAppearedError:
            return Outcome(
                S.APPROVED, "not sent", "the document appeared meanwhile: looked at again"
            )
        if self.billing is None or refusals:
            return _refused(refusals or (no_billing_to_ask(),))
        planned = order.after.get(BILLED)
        changed = await changed_in_billing(self.billing, order.record_id, planned)
        return Outcome(S.SUPERSEDED, OVERTAKEN, changed) if changed else None

    def _failed(self, error: SourceError) -> Outcome:
        """Where a failed call leaves a correction. Only a plain no is taken for a no."""
        state, outcome = S.UNKNOWN, "no conclusive answer"
        if isinstance(error, Rejected):
            state, outcome = S.DEAD, REJECTED
        elif isinstance(error, RateLimited | Unauthorized):
            return replace(_from_error(S.APPROVED, NOT_TAKEN, error), was_taken=False)
        return _from_error(state, outcome, error)

    def _note_failure(self, lane: _Lane, error: SourceError) -> None:
        """Stop a target that refuses us, or that does not get well."""
        if isinstance(error, Unauthorized):
            lane.stopped = f"unauthorized: {_words(lane, error)}"
        elif isinstance(error, Rejected):
            lane.rejections += 1
            if lane.rejections >= self.limits.rejections_in_a_row:
                lane.stopped = f"{lane.rejections} refusals in a row, the last: {error.message}"
        elif isinstance(error, Transient | UnknownOutcome):
            lane.failures += 1
            if lane.failures >= self.limits.failures_in_a_row:
                lane.stopped = f"{lane.failures} failures in a row, the last: {_words(lane, error)}"


def _refused(refusals: tuple[Refusal, ...]) -> Outcome:
    reasons = "; ".join(f"{one.field}: {one.problem}" for one in refusals)
    return Outcome(S.REFUSED, "refused", reasons, refusals=refusals)


def _words(lane: _Lane, error: SourceError) -> str:
    """The error's words, with the system where it is not the lane's own."""
    return error.message if error.system == lane.target.system else str(error)


def _found_applied(sight: Sight) -> Outcome:
    return Outcome(
        S.ACCEPTED,
        "found applied",
        "found at the target by looking",
        target_record_id=sight.record_id,
    )


def _could_not_look(order: Order, error: SourceError) -> Outcome:
    if order.kind == "look":
        return _from_error(S.UNKNOWN, "could not look", error)
    if isinstance(error, Rejected | Conflict) and not isinstance(error, NotFound):
        return _from_error(S.DEAD, "could not look", error)
    return _from_error(S.APPROVED, "not sent: could not look", error)


def _from_error(state: CorrectionState, outcome: str, error: SourceError) -> Outcome:
    return Outcome(
        state,
        outcome,
        f"{outcome}: {error.message}",
        error_class=type(error).__name__,
        status=error.status,
        request_id=error.request_id,
        body_excerpt=error.body_excerpt,
    )
