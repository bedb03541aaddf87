"""The outbox: planned corrections and the people's decisions on them, in the state store.

Every move goes through `move`, which knows the ways between states and writes the audit line in
the same transaction. Sending is dispatch.py's business.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from reconcilers.corrections.correction import UNDOING, Correction, Field, Written
from reconcilers.corrections.outbox_row import OutboxRow
from reconcilers.corrections.states import UNDER_WAY, UNSENT, CorrectionState, require_way
from reconcilers.corrections.words import still_approved
from reconcilers.life import ExceptionLife, ExceptionState
from reconcilers.sealing import as_kept
from reconcilers.state.audit import append_audit
from reconcilers.state.models import Attempt, CorrectionRecord
from reconcilers.state.store import State

PLANNER = "tieout"
FLAP_WINDOW = timedelta(days=30)
OVERTAKEN = "superseded"  # the outcome of an attempt that found something else at the target
PLANNABLE = (CorrectionState.PROPOSED, CorrectionState.HELD, CorrectionState.REFUSED)


@dataclass(frozen=True)
class PlanSummary:
    """What planning a night did. Counts are of corrections; `skipped` says why nothing was done."""

    snapshot_date: date
    planned: int = 0
    added: int = 0
    changed: int = 0
    superseded: int = 0
    waiting: int = 0
    by_state: Mapping[str, int] | None = None
    skipped: str | None = None


def store_plan(
    state: State,
    corrections: Sequence[Correction],
    lives: Mapping[str, ExceptionLife],
    snapshot_date: date,
    at: datetime | None = None,
) -> PlanSummary:
    """Bring the outbox in line with a night's plan, in one transaction.

    The same plan stored again changes nothing. A correction under way blocks a new one for its
    exception; one that was planned from an older version of the record is superseded; so is one
    whose exception is no longer open. What is approved and was never sent follows the plan: it is
    held or refused with it, and superseded when the plan leaves it out.
    """
    moment = at or datetime.now(UTC)
    with state.begin() as session:
        return _Storing(session, snapshot_date, moment).store(corrections, lives)


class _Storing:
    """One storing of one plan."""

    def __init__(self, session: Session, snapshot_date: date, at: datetime) -> None:
        self.session = session
        self.snapshot_date = snapshot_date
        self.at = at
        self.counts = dict.fromkeys(("added", "changed", "superseded", "waiting"), 0)
        self.by_key: dict[str, list[CorrectionRecord]] = {}
        for record in session.scalars(
            select(CorrectionRecord)
            .where(CorrectionRecord.action.not_in(UNDOING))
            .order_by(CorrectionRecord.correction_id)
            .with_for_update()  # nobody claims what is about to be stopped
        ):
            self.by_key.setdefault(record.exception_key, []).append(record)

    def store(
        self, corrections: Sequence[Correction], lives: Mapping[str, ExceptionLife]
    ) -> PlanSummary:
        for correction in corrections:
            self._store(correction)
        self._close_what_is_over(lives)
        self._stop_what_is_left_out({item.subject.exception_key for item in corrections}, lives)
        states: dict[str, int] = {}
        for correction in corrections:
            states[correction.state.value] = states.get(correction.state.value, 0) + 1
        return PlanSummary(
            snapshot_date=self.snapshot_date,
            planned=len(corrections),
            by_state=dict(sorted(states.items())),
            added=self.counts["added"],
            changed=self.counts["changed"],
            superseded=self.counts["superseded"],
            waiting=self.counts["waiting"],
        )

    def _store(self, correction: Correction) -> None:
        others = self.by_key.setdefault(correction.subject.exception_key, [])
        if any(_blocks(record) for record in others):
            self.counts["waiting"] += 1
            return
        known = next((o for o in others if o.correction_id == correction.correction_id), None)
        for record in others:
            if record is not known and record.state in (*UNSENT, CorrectionState.DEAD):
                self._supersede(record, f"planned anew by the night of {self.snapshot_date}")
        if known is None:
            record = _record(correction, self.at)
            self.session.add(record)
            others.append(record)
            self._audit_new(record)
            self.counts["added"] += 1
        else:
            self._renew(known, correction)

    def _renew(self, record: CorrectionRecord, correction: Correction) -> None:
        """Let a later plan change the standing of what was never sent."""
        came_back = (
            record.state == CorrectionState.SUPERSEDED
            and record.writes == 0
            and record.snapshot_date < correction.subject.snapshot_date
        )
        is_stopped = self._is_stopped(record, correction)
        if not (came_back or is_stopped or record.state in PLANNABLE):
            return
        wanted = {
            "refusals": [refusal.as_json() for refusal in correction.refusals],
            "payload": as_kept(record.payload, dict(correction.payload)),
            "state_reason": correction.state_reason,
            "mode": correction.mode,
            "valid_hours": correction.valid_hours,
        }
        if record.state == correction.state.value and all(
            getattr(record, name) == value for name, value in wanted.items()
        ):
            return
        for name, value in wanted.items():
            setattr(record, name, value)
        if came_back:
            record.snapshot_date = correction.subject.snapshot_date
        if came_back or is_stopped or record.state == CorrectionState.REFUSED:
            record.planned_at = self.at  # people are asked anew
            put_off_expiry(record, self.at)
        if record.state != correction.state.value:
            move(
                self.session,
                record,
                correction.state,
                actor=PLANNER,
                reason=correction.state_reason,
                at=self.at,
            )
        record.changed_at = self.at
        self.counts["changed"] += 1

    def _is_stopped(self, record: CorrectionRecord, correction: Correction) -> bool:
        """Whether what was approved must wait: neither the plan nor a person lets it go now."""
        return (
            _is_unsent(record)
            and correction.state is not CorrectionState.APPROVED
            and not still_approved(self.session, record, correction)
        )

    def _stop_what_is_left_out(
        self, planned: Collection[str], lives: Mapping[str, ExceptionLife]
    ) -> None:
        for key, records in self.by_key.items():
            if key in planned:
                continue
            life = lives.get(key)
            is_waived = life is not None and life.state is ExceptionState.WAIVED
            why = "waived" if is_waived else "policy leaves it out, or the drift is not proved"
            for record in filter(_is_unsent, records):
                self._supersede(record, f"not planned by the night of {self.snapshot_date}: {why}")

    def _close_what_is_over(self, lives: Mapping[str, ExceptionLife]) -> None:
        for key, records in self.by_key.items():
            life = lives.get(key)
            if life is not None and life.is_open:
                continue
            for record in records:
                if record.state in (*UNSENT, CorrectionState.DEAD):
                    self._supersede(
                        record, f"the drift is gone as of the night of {self.snapshot_date}"
                    )

    def _supersede(self, record: CorrectionRecord, reason: str) -> None:
        move(
            self.session,
            record,
            CorrectionState.SUPERSEDED,
            actor=PLANNER,
            reason=reason,
            at=self.at,
        )
        self.counts["superseded"] += 1

    def _audit_new(self, record: CorrectionRecord) -> None:
        append_audit(
            self.session,
            actor=PLANNER,
            action=f"correction {record.state}",
            subject=record.correction_id,
            body={
                "exception_key": record.exception_key,
                "code": record.code,
                "target": f"{record.system}.{record.object}",
                "record_id": record.record_id,
                "mode": record.mode,
                "reason": record.state_reason,
            },
            at=self.at,
        )


def move(
    session: Session,
    record: CorrectionRecord | OutboxRow,
    state: CorrectionState,
    *,
    actor: str,
    reason: str | None,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Take a correction to another state, if there is a way, and say so in the audit."""
    require_way(record.correction_id, record.state, state)
    append_audit(
        session,
        actor=actor,
        action=f"correction {state.value}",
        subject=record.correction_id,
        body={"was": record.state, "reason": reason, **(detail or {})},
        at=at,
    )
    record.state, record.state_reason, record.changed_at = state.value, reason, at


def put_off_expiry(record: CorrectionRecord, since: datetime) -> None:
    """Let the time to send it begin anew; a correction that knows no end stays without one."""
    if record.valid_hours is not None:
        record.expires_at = since + timedelta(hours=record.valid_hours)


def count_by_state(state: State) -> dict[str, int]:
    """How many corrections stand in each state."""
    with state.read() as session:
        rows = session.execute(
            select(CorrectionRecord.state, func.count()).group_by(CorrectionRecord.state)
        )
        return dict(sorted(rows.tuples()))


def spent_corrections(state: State) -> dict[str, int]:
    """By exception: how many corrections a target took, or was sent, without lasting effect.

    Those that a night proved ineffective, those that were undone, and those called out that
    dispatch then found overtaken at the target. What the plan itself supersedes does not count:
    planning a night twice must give the same.
    """
    overtaken = (
        select(Attempt.correction_id)
        .where(Attempt.correction_id == CorrectionRecord.correction_id)
        .where(Attempt.outcome == OVERTAKEN)
        .exists()
    )
    was_spent = or_(
        CorrectionRecord.state.in_(
            [CorrectionState.INEFFECTIVE.value, CorrectionState.COMPENSATED.value]
        ),
        and_(
            CorrectionRecord.state == CorrectionState.SUPERSEDED.value,
            CorrectionRecord.writes > 0,
            overtaken,
        ),
    )
    with state.read() as session:
        rows = session.execute(
            select(CorrectionRecord.exception_key, func.count())
            .where(was_spent)
            .group_by(CorrectionRecord.exception_key)
        )
        return dict(rows.tuples().all())


def written_fields(state: State, snapshot_date: date) -> dict[Field, list[Written]]:
    """By system, object, record and attribute: what we wrote that counts on a night, oldest first.

    That is what a night of the last 30 days proved to have worked, and all that people undid.
    """
    is_recent = and_(
        CorrectionRecord.state == CorrectionState.VERIFIED.value,
        CorrectionRecord.verdict_on >= snapshot_date - FLAP_WINDOW,
    )
    is_undone = CorrectionRecord.state == CorrectionState.COMPENSATED.value
    query = (
        select(CorrectionRecord)
        .where(or_(is_recent, is_undone), CorrectionRecord.action.not_in(UNDOING))
        .order_by(CorrectionRecord.accepted_at, CorrectionRecord.correction_id)
    )
    written: dict[Field, list[Written]] = {}
    with state.read() as session:
        for one in session.scalars(query):
            field = (one.system, one.object, one.record_id, one.attribute)
            was_undone = one.state == CorrectionState.COMPENSATED
            written.setdefault(field, []).append(Written(one.before, one.after, was_undone))
    return written


def lock(session: Session, ids: Iterable[str]) -> list[CorrectionRecord]:
    """Those of these corrections that there are, locked in one order, so that no two cross."""
    return list(
        session.scalars(
            select(CorrectionRecord)
            .where(CorrectionRecord.correction_id.in_(set(ids)))
            .order_by(CorrectionRecord.correction_id)
            .with_for_update()
        )
    )


def get_all(session: Session, ids: Iterable[str]) -> list[CorrectionRecord]:
    """The corrections with these ids, all of them or an error that names the missing."""
    wanted = set(ids)
    records = lock(session, wanted)
    missing = sorted(wanted - {record.correction_id for record in records})
    if missing:
        raise LookupError(f"no correction has the id {', '.join(missing)}")
    return records


def _is_unsent(record: CorrectionRecord) -> bool:
    """Approved, and no call was made for it; what is claimed is no longer `approved`."""
    return record.state == CorrectionState.APPROVED and record.writes == 0


def _blocks(record: CorrectionRecord) -> bool:
    return record.state in (*UNDER_WAY, CorrectionState.ACCEPTED)


def _record(correction: Correction, at: datetime) -> CorrectionRecord:
    subject = correction.subject
    record = CorrectionRecord(
        correction_id=correction.correction_id,
        idempotency_key=correction.idempotency_key,
        exception_key=subject.exception_key,
        snapshot_date=subject.snapshot_date,
        code=subject.code,
        cause=subject.cause,
        canonical_id=subject.canonical_id,
        action=correction.action,
        mode=correction.mode,
        system=correction.system,
        object=correction.object,
        record_id=correction.record_id,
        operation=correction.operation,
        attribute=correction.attribute,
        before=None if correction.before is None else dict(correction.before),
        after=dict(correction.after),
        payload=dict(correction.payload),
        expected_version=correction.expected_version,
        watermark_object=correction.watermark_object,
        reason=correction.reason,
        evidence=correction.evidence,
        correlation_id=subject.correlation_id,
        impact_minor=subject.impact_minor,
        currency=subject.currency,
        impact_reporting_minor=subject.impact_reporting_minor,
        severity=subject.severity,
        assignee=correction.assignee,
        state=correction.state.value,
        state_reason=correction.state_reason,
        refusals=[refusal.as_json() for refusal in correction.refusals],
        maker=PLANNER,
        planned_at=at,
        changed_at=at,
        valid_hours=correction.valid_hours,
        writes=0,
    )
    put_off_expiry(record, at)
    return record
