"""People's word on corrections: approve, reject, replay. Maker and checker are never the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reconcilers.corrections.outbox import get_all, move, put_off_expiry
from reconcilers.corrections.states import (
    UNSENT,
    CorrectionState,
    WrongStateError,
)
from reconcilers.corrections.words import OVER, approvers, approvers_needed
from reconcilers.state.audit import append_audit
from reconcilers.state.models import Approval, Attempt, CorrectionRecord
from reconcilers.state.store import State

DECIDABLE = (CorrectionState.PROPOSED, CorrectionState.HELD)


class ApprovalRefusedError(RuntimeError):
    """The person may not decide on the correction, or has to say more."""


@dataclass(frozen=True)
class Decision:
    """Where a correction stands after a word on it; `still_needed` counts further approvers."""

    correction_id: str
    state: str
    still_needed: int


@dataclass(frozen=True)
class ReplayPreview:
    """What a replay would send again, and why it stopped before."""

    correction_id: str
    target: str
    record_id: str
    writes: int
    last_error: str | None


@dataclass(frozen=True)
class Word:
    """What one person says of one correction: `approve`, or `reject` with a comment.

    `planned_at` (UTC) is the plan that the person saw; empty where it was the present one.
    """

    correction_id: str
    decision: str
    comment: str
    planned_at: datetime | None = None


def approve(
    state: State, ids: Iterable[str], actor: str, comment: str, at: datetime | None = None
) -> list[Decision]:
    """One person's yes to proposed or held corrections: to all of them, or to none.

    The maker cannot approve; a second yes has to come from somebody else; a held correction needs
    a comment that says why it may go.
    """
    return _decide_all(state, ids, "approve", actor, comment, at)


def reject(
    state: State, ids: Iterable[str], actor: str, comment: str, at: datetime | None = None
) -> list[Decision]:
    """One person's no to corrections that were not sent yet; needs a comment."""
    return _decide_all(state, ids, "reject", actor, comment, at)


def _decide_all(  # noqa: PLR0917  # a word on several corrections is these six things
    state: State,
    ids: Iterable[str],
    decision: str,
    actor: str,
    comment: str,
    at: datetime | None,
) -> list[Decision]:
    return decide_all(state, [Word(each, decision, comment) for each in ids], actor, at)


def decide_all(
    state: State, words: Iterable[Word], actor: str, at: datetime | None = None
) -> list[Decision]:
    """Words on corrections, in the order of their ids: all of them are taken, or none.

    Raises what `decide` does.
    """
    by_id = {word.correction_id: word for word in words}
    with state.begin() as session:
        records = get_all(session, by_id)
        return [decide(session, by_id[record.correction_id], actor, at) for record in records]


def decide(session: Session, word: Word, actor: str, at: datetime | None = None) -> Decision:
    """One word on one correction, inside the caller's transaction.

    Who decides on several locks all of them before the first word (`lock`): each word takes the end
    of the audit, which somebody who waits for one of the others may hold.

    Raises ApprovalRefusedError or WrongStateError; LookupError for an id that is not there.
    """
    (record,) = get_all(session, [word.correction_id])
    if word.planned_at not in {None, record.planned_at}:
        raise ApprovalRefusedError(f"{record.correction_id} was planned anew since; look again")
    say = _approve if word.decision == "approve" else _reject
    return say(session, record, actor, word.comment, at or datetime.now(UTC))


def preview_replay(state: State, ids: Iterable[str]) -> list[ReplayPreview]:
    """What `replay` would put back, without doing it. Refuses ids that are not dead."""
    with state.read() as session:
        return [_preview(session, record) for record in get_all(session, ids)]


def replay(
    state: State, ids: Iterable[str], actor: str, comment: str, at: datetime | None = None
) -> list[Decision]:
    """Put dead corrections back to approved, with their attempts counted from zero again.

    Dispatch looks at the target before it sends, so what had taken effect is not sent twice.
    """
    moment = at or datetime.now(UTC)
    with state.begin() as session:
        decisions = []
        for record in get_all(session, ids):
            _preview(session, record)
            _word(session, record, "replay", actor, comment, moment)
            move(session, record, CorrectionState.APPROVED, actor=actor, reason=comment, at=moment)
            record.writes = 0
            put_off_expiry(record, moment)
            decisions.append(Decision(record.correction_id, record.state, 0))
        return decisions


def _approve(
    session: Session, record: CorrectionRecord, actor: str, comment: str, at: datetime
) -> Decision:
    if record.state not in DECIDABLE:
        raise WrongStateError(
            f"correction {record.correction_id} is {record.state}; "
            "only proposed and held ones can be approved"
        )
    if record.expires_at is not None and record.expires_at <= at:
        raise ApprovalRefusedError(
            f"{record.correction_id} expired on {record.expires_at:%Y-%m-%d %H:%M} UTC; "
            "the next night plans it anew if it still drifts"
        )
    if actor == record.maker:
        raise ApprovalRefusedError(f"{actor} made {record.correction_id} and cannot approve it")
    earlier = approvers(session, record)
    if actor in earlier:
        raise ApprovalRefusedError(f"{actor} has approved {record.correction_id} already")
    if record.state == CorrectionState.HELD and not comment.strip():
        raise ApprovalRefusedError(
            f"{record.correction_id} is held ({record.state_reason}); say why it may go"
        )
    _word(session, record, "approve", actor, comment, at)
    still_needed = max(approvers_needed(record.mode) - len(earlier) - 1, 0)
    if still_needed == 0:
        by = ", ".join(sorted({*earlier, actor}))
        reason = f"approved by {by}"
        put_off_expiry(record, at)
        over = {OVER: record.state_reason} if record.state == CorrectionState.HELD else None
        move(
            session,
            record,
            CorrectionState.APPROVED,
            actor=actor,
            reason=reason,
            at=at,
            detail=over,
        )
    return Decision(record.correction_id, record.state, still_needed)


def _reject(
    session: Session, record: CorrectionRecord, actor: str, comment: str, at: datetime
) -> Decision:
    if not comment.strip():
        raise ApprovalRefusedError("a rejection needs a comment that says why")
    if record.state not in UNSENT:
        raise WrongStateError(f"correction {record.correction_id} is {record.state}")
    _word(session, record, "reject", actor, comment, at)
    move(session, record, CorrectionState.REJECTED, actor=actor, reason=comment, at=at)
    return Decision(record.correction_id, record.state, 0)


def _word(  # noqa: PLR0917  # a word is these six things
    session: Session,
    record: CorrectionRecord,
    decision: str,
    actor: str,
    comment: str,
    at: datetime,
) -> None:
    if not actor.strip():
        raise ApprovalRefusedError("a decision needs the name of the person who takes it")
    number = session.scalar(
        select(func.coalesce(func.max(Approval.number), 0)).where(
            Approval.correction_id == record.correction_id
        )
    )
    session.add(
        Approval(
            correction_id=record.correction_id,
            number=(number or 0) + 1,
            decision=decision,
            actor=actor,
            comment=comment,
            decided_at=at,
        )
    )
    append_audit(
        session,
        actor=actor,
        action=decision,
        subject=record.correction_id,
        body={"comment": comment},
        at=at,
    )


def _preview(session: Session, record: CorrectionRecord) -> ReplayPreview:
    if record.state != CorrectionState.DEAD:
        raise WrongStateError(
            f"correction {record.correction_id} is {record.state}; only dead ones are replayed"
        )
    last = session.scalar(
        select(Attempt)
        .where(Attempt.correction_id == record.correction_id)
        .order_by(Attempt.number.desc())
        .limit(1)
    )
    return ReplayPreview(
        correction_id=record.correction_id,
        target=f"{record.system}.{record.object}",
        record_id=record.record_id,
        writes=record.writes,
        last_error=f"{last.error_class}: {last.body_excerpt}" if last else None,
    )
