"""Lets go of what was over long ago: closed exceptions with all that belongs to them.

An exception goes whole or stays whole, so that what the nights make of all others is the same
afterwards. Nights, key figures, identity, halts and the audit are never let go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from reconcilers.corrections.correction import UNDO_OF
from reconcilers.corrections.outbox import FLAP_WINDOW
from reconcilers.corrections.states import CorrectionState
from reconcilers.life import REOPEN_WITHIN
from reconcilers.refolding import newest_night
from reconcilers.state.audit import append_audit
from reconcilers.state.models import (
    Approval,
    Attempt,
    Base,
    CorrectionRecord,
    EventLetter,
    ExceptionRecord,
    Observation,
    TieoutRecord,
    Waiver,
)
from reconcilers.state.store import State

# Younger than this an exception may reopen, and what was written may count as flapping.
LEAST_DAYS = max(REOPEN_WITHIN, FLAP_WINDOW).days


class RetentionRefusedError(RuntimeError):
    """So young a history is still needed."""


@dataclass(frozen=True)
class Pruned:
    """What is let go, rows by table: all that was over before a date. None: no night is known."""

    before: date | None
    rows: Mapping[str, int]


def preview_prune(state: State, days: int) -> Pruned:
    """What `prune` would let go now, without doing it."""
    _require_enough(days)
    with state.read() as session:
        newest = newest_night(session)
        if newest is None:
            return Pruned(None, {})
        before = newest - timedelta(days=days)
        return Pruned(before, _count(session, before))


def prune(state: State, days: int, actor: str, at: datetime | None = None) -> Pruned:
    """Delete what was over so many days before the newest night; an audit line says what.

    Kept is whatever a later night, dispatch or a person may still ask for: what is open, each
    exception with a correction that was undone, had no effect, was rejected, is dead or under
    way (they bound what is sent again), or with a waiver that still holds.
    """
    _require_enough(days)
    with state.begin() as session:
        _lock(session)
        newest = newest_night(session)
        if newest is None:
            return Pruned(None, {})
        before = newest - timedelta(days=days)
        rows = _count(session, before)
        for table, over in _over(before):
            session.execute(delete(table).where(over).execution_options(synchronize_session=False))
        append_audit(
            session,
            actor=actor,
            action="state pruned",
            subject=before.isoformat(),
            body={"older_than_days": days, "rows": rows},
            at=at or datetime.now(UTC),
        )
        return Pruned(before, rows)


def _require_enough(days: int) -> None:
    if days < LEAST_DAYS:
        raise RetentionRefusedError(
            f"{days} days are too few: for {LEAST_DAYS} days an exception may reopen, and what was "
            "written may count as flapping"
        )


def _lock(session: Session) -> None:
    """Nobody records, plans or sends meanwhile; on SQLite a writer is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        tables = "observations, exceptions, corrections"  # in the order in which a night takes them
        session.execute(text(f"LOCK TABLE {tables} IN EXCLUSIVE MODE"))


def _count(session: Session, before: date) -> dict[str, int]:
    return {
        table.__tablename__: session.scalar(select(func.count()).select_from(table).where(over))
        or 0
        for table, over in _over(before)
    }


def _over(before: date) -> list[tuple[type[Base], ColumnElement[bool]]]:
    """Each table with the rows that go, in an order in which what decides goes last."""
    midnight = datetime.combine(before, time(), UTC)
    closed = _closed(before, midnight)
    corrections = select(CorrectionRecord.correction_id).where(
        CorrectionRecord.exception_key.in_(closed)
    )
    was_exception = exists().where(ExceptionRecord.exception_key == Observation.exception_key)
    of_nothing = and_(Observation.snapshot_date < before, ~was_exception)
    return [
        (Attempt, Attempt.correction_id.in_(corrections)),
        (Approval, Approval.correction_id.in_(corrections)),
        (CorrectionRecord, CorrectionRecord.exception_key.in_(closed)),
        (Waiver, Waiver.exception_key.in_(closed)),
        (Observation, or_(Observation.exception_key.in_(closed), of_nothing)),
        (ExceptionRecord, ExceptionRecord.exception_key.in_(closed)),
        (TieoutRecord, TieoutRecord.snapshot_date < before),
        (EventLetter, EventLetter.delivered_at < midnight),
    ]


def _closed(before: date, midnight: datetime) -> Select[str]:
    """Keys of the exceptions that were over before a date, and that nothing needs any more."""
    key = ExceptionRecord.exception_key
    child = aliased(ExceptionRecord)
    needed_by = (
        exists().where(CorrectionRecord.exception_key == key, ~_is_over(before, midnight)),
        exists().where(Waiver.exception_key == key, Waiver.expires_on >= before),
        exists().where(child.explained_by == key, child.resolved_on.is_(None)),
    )
    return select(key).where(ExceptionRecord.resolved_on < before, ~or_(*needed_by))


def _is_over(before: date, midnight: datetime) -> ColumnElement[bool]:
    """Whether a correction has no say in anything any more.

    It worked and was never undone, or it was overtaken before any call was made for it.
    """
    id_, undo, call = CorrectionRecord.correction_id, aliased(CorrectionRecord), aliased(Attempt)
    was_undone = exists().where(undo.expected_version == UNDO_OF + id_)
    was_called = exists().where(call.correction_id == id_, call.write_started_at.is_not(None))
    worked = and_(
        CorrectionRecord.state == CorrectionState.VERIFIED.value,
        CorrectionRecord.verdict_on < before,
        ~was_undone,
    )
    unsent = and_(CorrectionRecord.state == CorrectionState.SUPERSEDED.value, ~was_called)
    return and_(CorrectionRecord.changed_at < midnight, or_(worked, unsent))
