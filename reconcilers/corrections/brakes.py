"""What stops dispatch although a correction is approved: a person's halt, and spent budgets.

Asked in the transaction that persists the intent to call, so that no two dispatchers can together
send more than one of them might, and a halt holds from the next call on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from reconcilers.corrections.budget import Budgets, Use
from reconcilers.state.audit import CHAIN, append_audit
from reconcilers.state.models import Attempt, AuditHead, CorrectionRecord, Halt
from reconcilers.state.store import State

SUBJECT = "dispatch"
LONGEST_RUN = timedelta(days=2)


class StoppedError(RuntimeError):
    """Nothing more may be sent now; the words say why and what to do."""


class HaltRefusedError(RuntimeError):
    """There is nothing to halt or to resume, or it was not said why."""


@dataclass(frozen=True)
class HaltView:
    """A halt that holds."""

    halted_at: datetime
    halted_by: str
    reason: str

    def __str__(self) -> str:
        return (
            f"halted by {self.halted_by} on {self.halted_at:%Y-%m-%d %H:%M} UTC ({self.reason}); "
            "`tieout corrections resume` lets it go on"
        )


def halt(state: State, actor: str, reason: str, at: datetime | None = None) -> HaltView:
    """Let no write go out from now on, over all runs and machines, until somebody resumes."""
    moment = at or datetime.now(UTC)
    if not reason.strip():
        raise HaltRefusedError("a halt needs a reason")
    with state.begin() as session:
        if found := _halt(session):
            raise HaltRefusedError(f"dispatch is already {_view(found)}")
        number = session.scalar(select(func.coalesce(func.max(Halt.number), 0)))
        made = Halt(number=(number or 0) + 1, halted_at=moment, halted_by=actor, reason=reason)
        session.add(made)
        _audit(session, "halt", actor, reason, moment)
        return _view(made)


def resume(state: State, actor: str, comment: str, at: datetime | None = None) -> HaltView:
    """Let dispatch go on; returns the halt that ended."""
    moment = at or datetime.now(UTC)
    with state.begin() as session:
        found = _halt(session)
        if found is None:
            raise HaltRefusedError("dispatch is not halted")
        found.resumed_at, found.resumed_by = moment, actor
        _audit(session, "resume", actor, comment, moment)
        return _view(found)


def halted(state: State) -> HaltView | None:
    """The halt that holds now."""
    with state.read() as session:
        found = _halt(session)
        return _view(found) if found else None


def require_leave(
    session: Session, record: CorrectionRecord, run: str, now: datetime, budgets: Budgets
) -> None:
    """Raise when this correction must not be sent now: `run` is the claim of the dispatch run.

    `record` is locked by the caller; whoever asks after us waits for our transaction.
    """
    if session.get_bind().dialect.name != "sqlite":  # there a writer is alone anyway
        session.get_one(AuditHead, CHAIN, with_for_update=True)
    if found := _halt(session):
        raise StoppedError(str(_view(found)))
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    today = Attempt.write_started_at >= midnight
    recent = Attempt.write_started_at >= now - LONGEST_RUN
    scopes = (
        ("run", budgets.run, (Attempt.claimed_by == run) & recent),
        ("day", budgets.day, today),
    )
    for name, budget, scope in scopes:
        if words := budget.overdrawn_by(_use(session, record.correction_id, scope)):
            raise StoppedError(
                f"the budget of the {name} is spent: this call would make it {words}; "
                "look at what was sent, then raise [policy.budget] or wait"
            )


def _use(session: Session, correction_id: str, scope: ColumnElement[bool]) -> Use:
    """What was sent in a scope, with this correction; one sent twice counts once."""
    sent = select(Attempt.correction_id).where(scope)
    chosen = or_(
        CorrectionRecord.correction_id == correction_id, CorrectionRecord.correction_id.in_(sent)
    )
    amount = func.abs(func.coalesce(CorrectionRecord.impact_reporting_minor, 0))
    # Whose customer is not known counts as a customer of its own.
    customer = func.coalesce(CorrectionRecord.canonical_id, CorrectionRecord.exception_key)
    measures = (func.count(), func.sum(amount), func.count(customer.distinct()))
    told: Sequence[Any] = session.execute(select(*measures).where(chosen)).one()
    return Use(*(int(measure or 0) for measure in told))


def _halt(session: Session) -> Halt | None:
    return session.scalar(select(Halt).where(Halt.resumed_at.is_(None)))


def _view(found: Halt) -> HaltView:
    return HaltView(found.halted_at, found.halted_by, found.reason)


def _audit(session: Session, action: str, actor: str, reason: str, at: datetime) -> None:
    append_audit(
        session, actor=actor, action=action, subject=SUBJECT, body={"reason": reason}, at=at
    )
