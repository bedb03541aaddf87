"""The outbox as dispatch sees it: claim, persist the intent, persist what came back.

Each function is one short transaction with a conditional update, so that of any number of
dispatchers exactly one gets a correction, and one that lost its claim cannot write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.corrections.brakes import require_leave
from reconcilers.corrections.budget import Budgets
from reconcilers.corrections.claims import is_gone
from reconcilers.corrections.correction import UNDO_OF, UNDOING, Refusal
from reconcilers.corrections.outbox import move
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.verify import TAKEN
from reconcilers.state.models import Attempt, CorrectionRecord
from reconcilers.state.store import State

EXCERPT = 500
NOT_TAKEN, REJECTED = "not taken", "rejected"  # outcomes of calls that the target said no to
STOPPED = "the dispatcher stopped before the answer was recorded"
Kind = Literal["send", "look"]
Operation = Literal["update", "upsert", "create"]
OPERATIONS: Mapping[str, Operation] = {"update": "update", "upsert": "upsert", "create": "create"}


class ClaimLostError(RuntimeError):
    """Somebody else took the correction over; whatever this worker knows no longer counts."""


@dataclass(frozen=True)
class Order:
    """A claimed correction, with all that is needed to look and to write.

    `writes` counts calls since it was last replayed; `was_called` is true when any call ever made
    for it may have taken effect.
    """

    correction_id: str
    kind: Kind
    number: int
    system: str
    object: str
    record_id: str
    operation: Operation
    before: dict[str, Any] | None
    after: dict[str, Any]
    payload: dict[str, Any]
    idempotency_key: str
    correlation_id: str
    snapshot_date: date
    action: str
    writes: int
    was_called: bool
    claimed_by: str


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, and where the correction goes from here.

    `was_taken` is false when the target said that it did not even consider the call.
    """

    state: CorrectionState
    outcome: str
    reason: str
    error_class: str | None = None
    status: int | None = None
    request_id: str | None = None
    body_excerpt: str | None = None
    target_record_id: str | None = None
    was_taken: bool = True
    refusals: tuple[Refusal, ...] = ()


def recover(state: State, now: datetime) -> int:
    """Take up what dead workers left in mid-send; returns how many.

    Where the call may have been made the correction becomes unknown and is looked up; where the
    intent to call was not yet persisted nothing was sent, and it is approved as before.
    """
    with state.begin() as session:
        left = [
            record
            for record in session.scalars(
                select(CorrectionRecord)
                .where(CorrectionRecord.state == CorrectionState.SENDING.value)
                .order_by(CorrectionRecord.correction_id)
                .with_for_update(skip_locked=True)
            )
            if record.claimed_by
            and record.claimed_at
            and is_gone(record.claimed_by, record.claimed_at)
        ]
        for record in left:
            called = _close_attempts(session, record, now)
            move(
                session,
                record,
                CorrectionState.UNKNOWN if called else CorrectionState.APPROVED,
                actor="dispatch",
                reason=STOPPED,
                at=now,
            )
            record.claimed_by = record.claimed_at = None
        return len(left)


def due(state: State, system: str) -> list[str]:
    """Approved corrections and unresolved ones of a target, unresolved first, then by key."""
    with state.read() as session:
        rows = session.execute(
            select(CorrectionRecord.state, CorrectionRecord.correction_id)
            .where(
                CorrectionRecord.system == system,
                CorrectionRecord.state.in_(
                    [CorrectionState.APPROVED.value, CorrectionState.UNKNOWN.value]
                ),
            )
            .order_by(CorrectionRecord.correction_id)
        ).tuples()
        found = list(rows)
    unknown = [id_ for name, id_ in found if name == CorrectionState.UNKNOWN]
    return [*unknown, *(id_ for name, id_ in found if name != CorrectionState.UNKNOWN)]


def claim(state: State, correction_id: str, claimed_by: str, now: datetime) -> Order | None:
    """Take a correction for this worker and persist the attempt; None when another was first."""
    with state.begin() as session:
        record = _locked(session, correction_id)
        if record is None:
            return None
        if record.state == CorrectionState.APPROVED:
            reason = record.state_reason
            sending = CorrectionState.SENDING
            move(session, record, sending, actor="dispatch", reason=reason, at=now)
            return _order(session, record, "send", claimed_by, now)
        if record.state == CorrectionState.UNKNOWN and not _is_held(record):
            _close_attempts(session, record, now)  # the look that a dead worker did not bring home
            return _order(session, record, "look", claimed_by, now)
        return None


def begin_write(state: State, order: Order, now: datetime, budgets: Budgets) -> None:
    """Persist that the call is about to be made.

    Raises when the claim is no longer ours, or when a halt or a spent budget stops it.
    """
    with state.begin() as session:
        record = _locked(session, order.correction_id)
        is_ours = record is not None and record.claimed_by == order.claimed_by
        if record is None or not is_ours or record.state != CorrectionState.SENDING:
            raise ClaimLostError(f"{order.correction_id} was taken over by another dispatcher")
        require_leave(session, record, order.claimed_by, now, budgets)
        record.writes += 1
        record.sent_at = record.sent_at or now
        attempt = session.get_one(Attempt, (order.correction_id, order.number))
        attempt.write_started_at = now


def finish(state: State, order: Order, outcome: Outcome, now: datetime) -> None:
    """Persist what an attempt brought and give the claim back."""
    with state.begin() as session:
        record = session.get_one(CorrectionRecord, order.correction_id, with_for_update=True)
        if record.claimed_by != order.claimed_by:
            raise ClaimLostError(f"{order.correction_id} was taken over by another dispatcher")
        attempt = session.get_one(Attempt, (order.correction_id, order.number))
        attempt.finished_at = now
        attempt.outcome = outcome.outcome
        attempt.error_class = outcome.error_class
        attempt.status = outcome.status
        attempt.request_id = outcome.request_id
        attempt.body_excerpt = (outcome.body_excerpt or "")[:EXCERPT] or None
        record.claimed_by = record.claimed_at = None
        if not outcome.was_taken:
            record.writes -= 1
        if outcome.refusals:
            record.refusals = [refusal.as_json() for refusal in outcome.refusals]
        if outcome.state is CorrectionState.ACCEPTED:
            record.accepted_at = now
            record.target_record_id = outcome.target_record_id or record.target_record_id
        if record.state == outcome.state.value:  # looked, and still cannot tell
            record.state_reason, record.changed_at = outcome.reason, now
            return
        move(
            session,
            record,
            outcome.state,
            actor="dispatch",
            reason=outcome.reason,
            at=now,
            detail={"attempt": order.number, "request_id": outcome.request_id},
        )
        if outcome.state is CorrectionState.ACCEPTED and record.action in UNDOING:
            _close_undone(session, record, now)


def _close_undone(session: Session, undo: CorrectionRecord, now: datetime) -> None:
    """End the correction that this undo took back: no night judges it any more."""
    record = _locked(session, undo.expected_version.removeprefix(UNDO_OF))
    if record is not None and record.state in TAKEN:
        reason = f"undone by {undo.correction_id}"
        move(session, record, CorrectionState.COMPENSATED, actor="dispatch", reason=reason, at=now)


def _locked(session: Session, correction_id: str) -> CorrectionRecord | None:
    """The record as it is now, and as it stays until the transaction ends."""
    return session.get(CorrectionRecord, correction_id, with_for_update=True)


def _is_held(record: CorrectionRecord) -> bool:
    """Whether a living worker looks at it just now."""
    holder, since = record.claimed_by, record.claimed_at
    return bool(holder and since and not is_gone(holder, since))


def _order(
    session: Session, record: CorrectionRecord, kind: Kind, claimed_by: str, now: datetime
) -> Order:
    record.claimed_by, record.claimed_at = claimed_by, datetime.now(UTC)
    earlier = _calls(session, record.correction_id)
    number = max(earlier, default=0) + 1
    session.add(
        Attempt(
            correction_id=record.correction_id,
            number=number,
            kind=kind,
            claimed_by=claimed_by,
            started_at=now,
        )
    )
    return Order(
        correction_id=record.correction_id,
        kind=kind,
        number=number,
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
        was_called=any(earlier.values()),
        claimed_by=claimed_by,
    )


def _calls(session: Session, correction_id: str) -> dict[int, bool]:
    """By number of attempt, whether it may have had an effect."""
    rows = session.execute(
        select(Attempt.number, Attempt.write_started_at, Attempt.outcome).where(
            Attempt.correction_id == correction_id
        )
    ).tuples()
    return {
        number: called_at is not None and outcome not in {NOT_TAKEN, REJECTED}
        for number, called_at, outcome in rows
    }


def _close_attempts(session: Session, record: CorrectionRecord, now: datetime) -> bool:
    """End the attempts that have no end; True when one of them may have called the target."""
    unfinished = session.scalars(
        select(Attempt).where(
            Attempt.correction_id == record.correction_id, Attempt.finished_at.is_(None)
        )
    ).all()
    for attempt in unfinished:
        attempt.finished_at, attempt.outcome = now, STOPPED
    return any(attempt.write_started_at is not None for attempt in unfinished)
