"""What was planned or approved too long ago to be sent on that word."""

from datetime import UTC, datetime

from sqlalchemy import select

from reconcilers.corrections.outbox import PLANNER, move
from reconcilers.corrections.states import CorrectionState
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.store import State

EXPIRING = (CorrectionState.PROPOSED, CorrectionState.HELD, CorrectionState.APPROVED)


def expire(state: State, at: datetime | None = None) -> int:
    """Supersede what was not sent in time; returns how many. Its exception stays open.

    A later night that still sees the drift proposes it anew, and people are asked anew. What a
    target may have been called for is not touched: dispatch finds out what became of it.
    """
    moment = at or datetime.now(UTC)
    query = (
        select(CorrectionRecord)
        .where(
            CorrectionRecord.state.in_(EXPIRING),
            CorrectionRecord.writes == 0,
            CorrectionRecord.expires_at <= moment,
        )
        .order_by(CorrectionRecord.correction_id)
        .with_for_update()
    )
    with state.begin() as session:
        overdue = session.scalars(query).all()
        for record in overdue:
            reason = f"expired on {record.expires_at:%Y-%m-%d %H:%M} UTC, {record.state}, not sent"
            move(
                session, record, CorrectionState.SUPERSEDED, actor=PLANNER, reason=reason, at=moment
            )
        return len(overdue)
