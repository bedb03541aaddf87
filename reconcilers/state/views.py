"""What the state store holds, as frozen values for the command line, the report and tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.state.models import (
    Approval,
    Attempt,
    AuditEntry,
    Base,
    CorrectionRecord,
    ExceptionRecord,
    Night,
    Observation,
)
from reconcilers.state.store import State

View = TypeVar("View")


@dataclass(frozen=True)
class NightView:
    """A recorded night."""

    snapshot_date: date
    run_id: str
    recorded_at: datetime
    findings_sha256: str
    exceptions: int
    in_flight: int
    unproven: int
    watermarks: Mapping[str, str]
    unproven_comparisons: tuple[str, ...]


@dataclass(frozen=True)
class ExceptionView:
    """An exception as it stands; money in minor units, signed (+ we lose or under-report)."""

    exception_key: str
    state: str
    code: str
    cause: str | None
    entity: str
    canonical_id: str | None
    correlation_id: str | None
    comparison: str
    row_key: str
    owner_system: str | None
    owner_id: str | None
    replica_system: str | None
    replica_id: str | None
    attribute: str
    expected: str | None
    observed: str | None
    impact_minor: int | None
    currency: str | None
    impact_reporting_minor: int | None
    severity: str
    legal_entity: str | None
    period: str | None
    explained_by: str | None
    opened_on: date
    last_seen_on: date
    resolved_on: date | None
    resolved_by: str | None
    age_days: int
    nights_seen: int
    episode: int
    is_ineffective: bool
    waived_until: date | None

    @property
    def label(self) -> str:
        """The state as people read it: EXPLAINED, INEFFECTIVE and REOPENED are kinds of OPEN."""
        if self.state != "OPEN":
            return self.state
        if self.explained_by:
            return "EXPLAINED"
        if self.is_ineffective:
            return "INEFFECTIVE"
        return "REOPENED" if self.episode > 1 else "OPEN"


@dataclass(frozen=True)
class ObservationView:
    """What one night saw of an exception."""

    snapshot_date: date
    disposition: str
    expected: str | None
    observed: str | None
    impact_minor: int | None
    currency: str | None
    severity: str


@dataclass(frozen=True)
class CorrectionView:
    """A correction in the outbox."""

    correction_id: str
    exception_key: str
    snapshot_date: date
    code: str
    cause: str | None
    action: str
    mode: str
    state: str
    state_reason: str | None
    system: str
    object: str
    record_id: str
    operation: str
    attribute: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    payload: Mapping[str, Any]
    refusals: tuple[Mapping[str, str], ...]
    expected_version: str
    reason: str
    evidence: str
    correlation_id: str
    idempotency_key: str
    impact_minor: int | None
    currency: str | None
    impact_reporting_minor: int | None
    severity: str
    assignee: str
    maker: str
    planned_at: datetime
    changed_at: datetime
    expires_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    verdict_on: date | None
    target_record_id: str | None
    writes: int


@dataclass(frozen=True)
class AttemptView:
    """One try at a correction."""

    number: int
    kind: str
    started_at: datetime
    write_started_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    error_class: str | None
    status: int | None
    request_id: str | None
    body_excerpt: str | None


@dataclass(frozen=True)
class ApprovalView:
    """One person's word."""

    decision: str
    actor: str
    comment: str
    decided_at: datetime


@dataclass(frozen=True)
class AuditView:
    """One line of the audit."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    body: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True)
class CorrectionDetail:
    """A correction with everything that happened to it."""

    correction: CorrectionView
    attempts: tuple[AttemptView, ...]
    approvals: tuple[ApprovalView, ...]
    audit: tuple[AuditView, ...]


@dataclass(frozen=True)
class ExceptionDetail:
    """An exception with its nights and its corrections."""

    exception: ExceptionView
    observations: tuple[ObservationView, ...]
    corrections: tuple[CorrectionView, ...]


def list_nights(state: State) -> list[NightView]:
    """All recorded nights in date order."""
    with state.read() as session:
        return [
            as_view(NightView, n)
            for n in session.scalars(select(Night).order_by(Night.snapshot_date))
        ]


def list_exceptions(
    state: State,
    *,
    states: Iterable[str] = (),
    code: str | None = None,
) -> list[ExceptionView]:
    """Exceptions as they stand after the newest night, the gravest and dearest first."""
    query = select(ExceptionRecord)
    if wanted := list(states):
        query = query.where(ExceptionRecord.state.in_(wanted))
    if code is not None:
        query = query.where(ExceptionRecord.code == code)
    with state.read() as session:
        views = [as_view(ExceptionView, record) for record in session.scalars(query)]
    return sorted(views, key=_gravity)


def show_exception(state: State, exception_key: str) -> ExceptionDetail:
    """One exception, by its key or the beginning of it."""
    with state.read() as session:
        record = _only(session, ExceptionRecord, ExceptionRecord.exception_key, exception_key)
        key = record.exception_key
        observations = session.scalars(
            select(Observation)
            .where(Observation.exception_key == key)
            .order_by(Observation.snapshot_date)
        )
        corrections = session.scalars(
            select(CorrectionRecord)
            .where(CorrectionRecord.exception_key == key)
            .order_by(CorrectionRecord.planned_at, CorrectionRecord.correction_id)
        )
        return ExceptionDetail(
            as_view(ExceptionView, record),
            tuple(as_view(ObservationView, o) for o in observations),
            tuple(as_view(CorrectionView, c) for c in corrections),
        )


def list_corrections(
    state: State,
    *,
    states: Iterable[str] = (),
    code: str | None = None,
    system: str | None = None,
    assignee: str | None = None,
    severity: str | None = None,
    changed: tuple[date | None, date | None] = (None, None),
) -> list[CorrectionView]:
    """Corrections of the outbox, the newest plans first.

    `changed`: the first and last day (UTC) on which they came to stand as they do.
    """
    query = select(CorrectionRecord).order_by(
        CorrectionRecord.snapshot_date.desc(), CorrectionRecord.code, CorrectionRecord.correction_id
    )
    if wanted := list(states):
        query = query.where(CorrectionRecord.state.in_(wanted))
    equal = {"code": code, "system": system, "assignee": assignee, "severity": severity}
    query = query.filter_by(**{name: value for name, value in equal.items() if value is not None})
    first, last = (day and datetime.combine(day, time(), UTC) for day in changed)
    if first is not None:
        query = query.where(CorrectionRecord.changed_at >= first)
    if last is not None:
        query = query.where(CorrectionRecord.changed_at < last + timedelta(days=1))
    with state.read() as session:
        return [as_view(CorrectionView, record) for record in session.scalars(query)]


def show_correction(state: State, correction_id: str) -> CorrectionDetail:
    """One correction with its attempts, approvals and audit, by its id or the beginning of it."""
    with state.read() as session:
        column = CorrectionRecord.correction_id
        record = _only(session, CorrectionRecord, column, correction_id)
        attempts = session.scalars(
            select(Attempt)
            .where(Attempt.correction_id == record.correction_id)
            .order_by(Attempt.number)
        )
        approvals = session.scalars(
            select(Approval)
            .where(Approval.correction_id == record.correction_id)
            .order_by(Approval.number)
        )
        audit = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.subject == record.correction_id)
            .order_by(AuditEntry.sequence)
        )
        return CorrectionDetail(
            as_view(CorrectionView, record),
            tuple(as_view(AttemptView, a) for a in attempts),
            tuple(as_view(ApprovalView, a) for a in approvals),
            tuple(as_view(AuditView, a) for a in audit),
        )


def list_audit(state: State, *, last: int | None = None) -> list[AuditView]:
    """The audit in order; `last` limits it to the newest lines."""
    query = select(AuditEntry).order_by(AuditEntry.sequence.desc())
    if last is not None:
        query = query.limit(last)
    with state.read() as session:
        return [as_view(AuditView, line) for line in session.scalars(query)][::-1]


def as_view(kind: type[View], record: Base) -> View:
    """A row of a table as the frozen value that stands for it."""
    values = {}
    for item in fields(kind):  # type: ignore[arg-type]  # every view is a dataclass
        value = getattr(record, item.name)
        values[item.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _only(session: Session, kind: type[Any], column: Any, prefix: str) -> Any:
    found: list[Any] = list(session.scalars(select(kind).where(column.startswith(prefix)).limit(2)))
    if len(found) != 1:
        how = "nothing" if not found else "more than one record"
        raise LookupError(f"{how} of {kind.__tablename__} has an id that begins with {prefix!r}")
    return found[0]


def _gravity(view: ExceptionView) -> tuple[str, int, str]:
    return view.severity, -abs(view.impact_reporting_minor or 0), view.exception_key
