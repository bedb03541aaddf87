"""The outbox as dispatch sees it: what is due, what a worker is given, and how its work ended.

What is persisted on the way from the one to the other is steps.py's business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import select

from reconcilers.corrections.claims import is_gone
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.outbox import move
from reconcilers.corrections.states import CorrectionState
from reconcilers.state.models import Attempt, CorrectionRecord
from reconcilers.state.store import State

NOT_TAKEN, REJECTED = "not taken", "rejected"  # outcomes of calls that the target said no to
STOPPED = "the dispatcher stopped before the answer was recorded"
Kind = Literal["send", "look"]
Operation = Literal["update", "upsert", "create"]


class ClaimLostError(RuntimeError):
    """Somebody else took the correction over; whatever this worker knows no longer counts."""


@dataclass(frozen=True)
class Order:
    """A claimed correction, with all that is needed to look and to write.

    `writes` counts calls since it was last replayed; `called_at` is when the last call was made
    that may have taken effect, None where there was none. `undoes` is the id of the correction that
    it takes back.
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
    claimed_by: str
    called_at: datetime | None
    undoes: str | None = None

    @property
    def was_called(self) -> bool:
        return self.called_at is not None


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, and where the correction goes from here.

    `was_taken` is false when the target said that it did not even consider the call. `served_at` is
    the target's own clock (UTC), where it told it.
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
    served_at: datetime | None = None


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
            attempts = select(Attempt).where(Attempt.correction_id == record.correction_id)
            called = close_attempts(session.scalars(attempts), now)
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


def close_attempts(attempts: Iterable[Attempt], now: datetime) -> bool:
    """End those that have no end; True when one of them may have called the target."""
    unfinished = [attempt for attempt in attempts if attempt.finished_at is None]
    for attempt in unfinished:
        attempt.finished_at, attempt.outcome = now, STOPPED
    return any(attempt.write_started_at is not None for attempt in unfinished)
