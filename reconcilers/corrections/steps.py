"""The steps of a delivery that are persisted: claim, the intent to call, what came back.

Steps of several workers go into one transaction, each with a fate of its own: of any number of
dispatchers exactly one gets a correction, and one that lost its claim cannot write.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from reconcilers.corrections.brakes import Leave, StoppedError
from reconcilers.corrections.budget import Budgets
from reconcilers.corrections.claims import is_gone
from reconcilers.corrections.correction import UNDO_OF, UNDOING
from reconcilers.corrections.delivery import (
    NOT_TAKEN,
    REJECTED,
    ClaimLostError,
    Kind,
    Operation,
    Order,
    Outcome,
)
from reconcilers.corrections.outbox import move
from reconcilers.corrections.outbox_row import OutboxRow
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.step_rows import Rows
from reconcilers.corrections.verify import TAKEN
from reconcilers.state.store import State

OPERATIONS: Mapping[str, Operation] = {"update": "update", "upsert": "upsert", "create": "create"}


@dataclass(frozen=True)
class Claim:
    """Take a correction for this worker; its fate is an order, or None when another was first."""

    correction_id: str
    claimed_by: str


@dataclass(frozen=True)
class Begin:
    """The call is about to be made."""

    order: Order


@dataclass(frozen=True)
class Finish:
    """What an attempt brought; the claim is given back."""

    order: Order
    outcome: Outcome


Step = Claim | Begin | Finish
# ClaimLostError: the claim is no longer ours; StoppedError: a halt or a spent budget stops a call.
Fate = Order | ClaimLostError | StoppedError | None


def persist(state: State, steps: Sequence[Step], now: datetime, budgets: Budgets) -> list[Fate]:
    """Take steps of one dispatch run in one transaction; what becomes of each, in their order.

    A step that cannot be taken changes nothing, and keeps no other from being taken.
    """
    with state.begin() as session:
        taking = _Taking(session, steps, now, budgets)
        fates = [taking.fate(step) for step in steps]
        taking.rows.write()
        return fates


class _Taking:
    """One transaction: the corrections of all steps as they are, and as they stay to its end."""

    def __init__(
        self, session: Session, steps: Sequence[Step], now: datetime, budgets: Budgets
    ) -> None:
        self.session = session
        self.now = now
        claimed = {step.correction_id for step in steps if isinstance(step, Claim)}
        self.rows = Rows(session, set(_named(steps)), claimed)
        begun = [step.order for step in steps if isinstance(step, Begin)]
        known = self.rows.corrections
        wanted = [known[o.correction_id] for o in begun if o.correction_id in known]
        self.leave = Leave(session, wanted, begun[0].claimed_by, now, budgets) if wanted else None

    def fate(self, step: Step) -> Fate:
        try:
            match step:
                case Claim():
                    return self._claim(step.correction_id, step.claimed_by)
                case Begin():
                    self._begin(step.order)
                case Finish():
                    self._finish(step.order, step.outcome)
        except (ClaimLostError, StoppedError) as stop:
            return stop
        return None

    def _claim(self, correction_id: str, claimed_by: str) -> Order | None:
        record = self.rows.corrections.get(correction_id)
        if record is None:
            return None
        if record.state == CorrectionState.APPROVED:
            self._move(record, CorrectionState.SENDING, record.state_reason)
            return self._order(record, "send", claimed_by)
        if record.state == CorrectionState.UNKNOWN and not _is_held(record):
            return self._order(record, "look", claimed_by)
        return None

    def _begin(self, order: Order) -> None:
        record = self._ours(order)
        if record.state != CorrectionState.SENDING or self.leave is None:
            raise _lost(order)
        self.leave.require(record)
        record.writes += 1
        record.sent_at = record.sent_at or self.now
        self.rows.call(order, self.now)

    def _finish(self, order: Order, outcome: Outcome) -> None:
        record = self._ours(order)
        self.rows.end(order, outcome, self.now)
        record.claimed_by = record.claimed_at = None
        if not outcome.was_taken:
            record.writes -= 1
        if outcome.refusals:
            record.refusals = [refusal.as_json() for refusal in outcome.refusals]
        if outcome.state is CorrectionState.ACCEPTED:
            record.accepted_at = max(self.now, outcome.served_at or self.now)
            record.target_record_id = outcome.target_record_id or record.target_record_id
        if record.state == outcome.state.value:  # looked, and still cannot tell
            record.state_reason, record.changed_at = outcome.reason, self.now
            return
        detail = {"attempt": order.number, "request_id": outcome.request_id}
        self._move(record, outcome.state, outcome.reason, detail)
        if outcome.state is CorrectionState.ACCEPTED and order.undoes:
            self._close_undone(order.undoes, order.correction_id)

    def _close_undone(self, correction_id: str, undo: str) -> None:
        """End the correction that an undo took back: no night judges it any more."""
        record = self.rows.corrections.get(correction_id)
        if record is not None and record.state in TAKEN:
            self._move(record, CorrectionState.COMPENSATED, f"undone by {undo}")

    def _ours(self, order: Order) -> OutboxRow:
        record = self.rows.corrections.get(order.correction_id)
        if record is None or record.claimed_by != order.claimed_by:
            raise _lost(order)
        return record

    def _move(
        self,
        record: OutboxRow,
        state: CorrectionState,
        reason: str | None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        move(
            self.session,
            record,
            state,
            actor="dispatch",
            reason=reason,
            at=self.now,
            detail=detail,
        )

    def _order(self, record: OutboxRow, kind: Kind, claimed_by: str) -> Order:
        record.claimed_by, record.claimed_at = claimed_by, datetime.now(UTC)
        earlier = self.rows.earlier[record.correction_id]
        undone = record.expected_version.removeprefix(UNDO_OF)
        order = Order(
            correction_id=record.correction_id,
            kind=kind,
            number=max((each.number for each in earlier), default=0) + 1,
            system=record.system,
            object=record.object,
            record_id=record.record_id,
            operation=OPERATIONS[record.operation],
            before=record.before,
            after=record.after,
            payload=record.payload,
            idempotency_key=record.idempotency_key,
            correlation_id=record.correlation_id,
            snapshot_date=record.snapshot_date,
            action=record.action,
            writes=record.writes,
            claimed_by=claimed_by,
            called_at=max(filter(None, map(_may_have_had_effect_at, earlier)), default=None),
            undoes=undone if record.action in UNDOING else None,
        )
        self.rows.begin(order, self.now)
        return order


def _named(steps: Iterable[Step]) -> Iterable[str]:
    """The corrections that these steps change."""
    for step in steps:
        if isinstance(step, Claim):
            yield step.correction_id
            continue
        yield step.order.correction_id
        if isinstance(step, Finish) and step.order.undoes:
            yield step.order.undoes


def _lost(order: Order) -> ClaimLostError:
    return ClaimLostError(f"{order.correction_id} was taken over by another dispatcher")


def _is_held(record: OutboxRow) -> bool:
    """Whether a living worker looks at it just now."""
    holder, since = record.claimed_by, record.claimed_at
    return bool(holder and since and not is_gone(holder, since))


def _may_have_had_effect_at(attempt: Row[Any]) -> datetime | None:
    return None if attempt.outcome in {NOT_TAKEN, REJECTED} else attempt.write_started_at
