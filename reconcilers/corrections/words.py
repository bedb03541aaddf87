"""What people have said about a correction as it is planned now, and whether that still stands."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.corrections.correction import Correction
from reconcilers.corrections.policy import Mode
from reconcilers.corrections.states import CorrectionState
from reconcilers.state.models import Approval, AuditEntry, CorrectionRecord

OVER = "over"  # in the audit of an approval: the reason for the hold that it overrules
NUMBERS = re.compile(r"\d+")


def approvers(session: Session, record: CorrectionRecord) -> set[str]:
    """Who said yes to the correction as it is planned now."""
    return _speakers(session, record, "approve")


def approvers_needed(mode: str) -> int:
    """How many different people have to say yes."""
    return 2 if mode == Mode.APPROVE_TWO else 1


def still_approved(session: Session, record: CorrectionRecord, planned: Correction) -> bool:
    """Whether people's yes to a correction outlives what a later plan makes of it.

    A yes to a proposal stands while people may decide, and falls when a hold comes that nobody
    knew of; a yes over a hold stands against the same hold. None stands against a refusal.
    """
    if planned.state is CorrectionState.HELD:
        overruled = _overruled(session, record)
        return overruled is not None and _alike(overruled, planned.state_reason or "")
    if planned.state is not CorrectionState.PROPOSED:
        return False
    was_replayed = bool(_speakers(session, record, "replay"))
    said_yes = len(approvers(session, record))
    return was_replayed or said_yes >= approvers_needed(planned.mode)


def _overruled(session: Session, record: CorrectionRecord) -> str | None:
    """The reason for the hold that the latest approval was given over."""
    entries: Iterable[Mapping[str, Any]] = session.scalars(
        select(AuditEntry.body)
        .where(
            AuditEntry.subject == record.correction_id,
            AuditEntry.action == f"correction {CorrectionState.APPROVED.value}",
            AuditEntry.at >= record.planned_at,
        )
        .order_by(AuditEntry.sequence.desc())
    )
    return next((body[OVER] for body in entries if body.get(OVER)), None)


def _alike(one: str, other: str) -> bool:
    """The same reason; how many rows or how much money a run had may differ from night to night."""
    return NUMBERS.sub("", one) == NUMBERS.sub("", other)


def _speakers(session: Session, record: CorrectionRecord, decision: str) -> set[str]:
    return set(
        session.scalars(
            select(Approval.actor).where(
                Approval.correction_id == record.correction_id,
                Approval.decision == decision,
                Approval.decided_at >= record.planned_at,
            )
        )
    )
