"""Proves corrections: called done only when a later night shows that the drift is gone."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from reconcilers.corrections.correction import UNDO_OF, UNDOING
from reconcilers.corrections.states import CorrectionState
from reconcilers.life import AcceptedCorrection, NightFact, Sighting, judge
from reconcilers.state.audit import append_audit
from reconcilers.state.models import CorrectionRecord

TAKEN = (
    CorrectionState.ACCEPTED.value,
    CorrectionState.VERIFIED.value,
    CorrectionState.INEFFECTIVE.value,
)
ONCE_TAKEN = (*TAKEN, CorrectionState.COMPENSATED.value)


def accepted_corrections(session: Session) -> list[tuple[str, AcceptedCorrection]]:
    """Everything a target ever took, with the exception key that it was for; undone or not."""
    records = session.scalars(
        select(CorrectionRecord)
        .where(CorrectionRecord.state.in_(ONCE_TAKEN), CorrectionRecord.action.not_in(UNDOING))
        .order_by(CorrectionRecord.correction_id)
    )
    return [
        (record.exception_key, _fact(record))
        for record in records
        if record.accepted_at is not None
    ]


def taken_keys() -> Select[str]:
    """A query for the exceptions for which a target took a correction."""
    return select(CorrectionRecord.exception_key).where(CorrectionRecord.state.in_(ONCE_TAKEN))


def settle_verdicts(
    session: Session,
    nights: Sequence[NightFact],
    sightings: Mapping[str, Mapping[date, Sighting]],
    at: datetime,
) -> None:
    """Set every taken correction to what the nights prove: accepted, verified or ineffective.

    A pure function of nights and acceptance, so a night recorded late can change a verdict. What
    an undo brings back is no failure of it: the first night that covers it verifies it.
    """
    records = session.scalars(
        select(CorrectionRecord)
        .where(CorrectionRecord.state.in_(ONCE_TAKEN))
        .order_by(CorrectionRecord.correction_id)
        .with_for_update()  # dispatch may just undo one of them
    ).all()
    key_of = {record.correction_id: record.exception_key for record in records}
    for record in (record for record in records if record.state in TAKEN):
        undone = key_of.get(record.expected_version.removeprefix(UNDO_OF))
        seen = sightings.get(undone or record.exception_key, {})
        comparison = next((sighting.comparison for sighting in seen.values()), "")
        seen = {} if record.action in UNDOING else seen
        verdict = judge(_fact(record), nights, seen, comparison)
        state, night = CorrectionState.ACCEPTED, None
        if verdict is not None:
            night = verdict.snapshot_date
            state = (
                CorrectionState.VERIFIED if verdict.is_effective else CorrectionState.INEFFECTIVE
            )
        _set(session, record, state, night, at)


def _set(
    session: Session,
    record: CorrectionRecord,
    state: CorrectionState,
    night: date | None,
    at: datetime,
) -> None:
    if (record.state, record.verdict_on) == (state.value, night):
        return
    append_audit(
        session,
        actor="tieout",
        action=f"correction {state.value}",
        subject=record.correction_id,
        body={"was": record.state, "night": night.isoformat() if night else None},
        at=at,
    )
    record.state, record.verdict_on, record.changed_at = state.value, night, at
    record.state_reason = None if night is None else f"proved by the night of {night}"


def _fact(record: CorrectionRecord) -> AcceptedCorrection:
    if record.accepted_at is None:
        raise ValueError(f"correction {record.correction_id} is {record.state} without a time")
    is_undone = record.state == CorrectionState.COMPENSATED
    return AcceptedCorrection(
        record.correction_id,
        record.accepted_at,
        record.watermark_object,
        undone_at=record.changed_at if is_undone else None,
    )
