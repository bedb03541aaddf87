"""Undoes what a target took: as a correction of its own, approved by another, sent the same way.

What undoes what is undos.py's business: an update by the image before it, if what we wrote stands.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.corrections.correction import (
    UNDO_CREATION,
    UNDO_JOURNAL,
    UNDO_OF,
    UNDO_POSTING,
    UNDO_UPDATE,
    correction_id,
    correction_key,
)
from reconcilers.corrections.outbox import get_all, move, put_off_expiry
from reconcilers.corrections.policy import Mode
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.undos import UNDONE_BY, undoing
from reconcilers.corrections.verify import TAKEN
from reconcilers.state.audit import append_audit
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.store import State

KEPT = (
    "snapshot_date",
    "code",
    "cause",
    "canonical_id",
    "system",
    "attribute",
    "watermark_object",
    "correlation_id",
    "impact_minor",
    "currency",
    "impact_reporting_minor",
    "severity",
    "assignee",
    "valid_hours",
)
_OVER = (CorrectionState.REFUSED, CorrectionState.SUPERSEDED, CorrectionState.REJECTED)


class CompensationRefusedError(RuntimeError):
    """The correction cannot be undone by us; the words say why, and what to do instead."""


@dataclass(frozen=True)
class Compensation:
    """A proposed undo: what would be written, waiting for the yes of somebody else."""

    correction_id: str
    undoes: str
    target: str
    record_id: str
    payload: Mapping[str, Any]


def compensate(  # noqa: PLR0917  # the last two have defaults
    state: State,
    ids: Iterable[str],
    actor: str,
    comment: str,
    at: datetime | None = None,
    on: date | None = None,
) -> list[Compensation]:
    """Propose the undo of accepted corrections: of all of them, or of none.

    `actor` is the maker, so another person approves: two of them where books are changed. An undo
    that was refused at the target, or not sent in time, is proposed again, and one that a person
    said no to as a new one. Nothing is sent here.
    A journal is taken back on its own accounting day, so that its month is as it was before; `on`
    names another one, where that month is closed.
    """
    moment = at or datetime.now(UTC)
    with state.begin() as session:
        return [_propose(session, r, actor, comment, moment, on) for r in get_all(session, ids)]


def _propose(  # noqa: PLR0917  # what stands on one proposal
    session: Session,
    record: CorrectionRecord,
    actor: str,
    comment: str,
    at: datetime,
    on: date | None,
) -> Compensation:
    _require_undoable(record)
    undo = _undo(record, on, _rejected(session, record))
    known = session.get(CorrectionRecord, undo.correction_id)
    if known is None:
        session.add(undo)
    else:
        move(session, known, CorrectionState.PROPOSED, actor=actor, reason=comment, at=at)
        undo, known.refusals = known, []
    undo.maker, undo.planned_at, undo.changed_at = actor, at, at
    put_off_expiry(undo, at)
    append_audit(
        session,
        actor=actor,
        action="compensate",
        subject=undo.correction_id,
        body={"undoes": record.correction_id, "comment": comment},
        at=at,
    )
    return Compensation(
        correction_id=undo.correction_id,
        undoes=record.correction_id,
        target=f"{undo.system}.{undo.object}",
        record_id=undo.record_id,
        payload=undo.payload,
    )


def _require_undoable(record: CorrectionRecord) -> None:
    name = record.correction_id
    if record.state not in TAKEN:
        raise CompensationRefusedError(
            f"{name} is {record.state}: only what a target took can be undone"
        )
    if record.action not in UNDONE_BY:
        raise CompensationRefusedError(
            f"{name} ({record.action}) cannot be undone from here; void {record.object} "
            f"{record.target_record_id or record.record_id} in {record.system} by hand"
        )
    is_made = record.operation == "create" or UNDONE_BY[record.action] in {
        UNDO_JOURNAL,
        UNDO_CREATION,
    }
    if is_made and not record.target_record_id:
        raise CompensationRefusedError(
            f"{name}: {record.system} did not say which record it became"
        )
    if UNDONE_BY[record.action] == UNDO_UPDATE and not record.before:
        raise CompensationRefusedError(f"{name} has no before-image; restore the field by hand")


def _rejected(session: Session, record: CorrectionRecord) -> int:
    """How many undos people said no to; what is undone once, of whatever day, is not again."""
    same = CorrectionRecord.expected_version == f"{UNDO_OF}{record.correction_id}"
    states: Counter[str] = Counter()
    for one in session.scalars(select(CorrectionRecord).where(same)):
        if one.state not in _OVER:
            raise CompensationRefusedError(
                f"{record.correction_id} has an undo already: {one.correction_id} is {one.state}"
            )
        states[one.state] += 1
    return states[CorrectionState.REJECTED]


def _undo(record: CorrectionRecord, on: date | None, rejected: int) -> CorrectionRecord:
    action = UNDONE_BY[record.action]
    what = undoing(record, on)
    version = f"{UNDO_OF}{record.correction_id}"
    needs_two = action not in {UNDO_UPDATE, UNDO_CREATION} or record.mode == Mode.APPROVE_TWO
    key = correction_key(
        record.system,
        what["object"],
        what["record_id"],
        record.attribute,
        what["after"],
        f"{version}#{rejected}" if rejected else version,  # from a no there is no way back
    )
    undo = CorrectionRecord(
        correction_id=correction_id(key),
        idempotency_key=key,
        # No night finds this exception: what an undo brings back is that of the correction undone.
        exception_key=sha256(version.encode()).hexdigest(),
        action=action,
        mode=(Mode.APPROVE_TWO if needs_two else Mode.APPROVE).value,
        expected_version=version,
        reason=f"undoes {record.correction_id}",
        evidence=f"undo/{record.correction_id}",
        state=CorrectionState.PROPOSED.value,
        refusals=[],
        writes=0,
        **{name: getattr(record, name) for name in KEPT},
        **what,
    )
    if action in {UNDO_POSTING, UNDO_JOURNAL}:
        undo.payload = {**undo.payload, "memo": f"tieout:{undo.correction_id}"}
    return undo
