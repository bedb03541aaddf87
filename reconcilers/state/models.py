"""The tables of the state store: what must survive when the warehouse is rebuilt.

Money is BIGINT minor units beside its currency; times are UTC; dates are snapshot dates.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from reconcilers.state.types import CanonicalJson, UtcDateTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012  # read by SQLAlchemy, never changed
        datetime: UtcDateTime(),
        int: BigInteger(),
        str: Text(),
        Any: CanonicalJson(),
    }


class DriftFacts:
    """The columns of a drift row that say what is wrong, shared by observations and exceptions."""

    code: Mapped[str]
    entity: Mapped[str]
    canonical_id: Mapped[str | None]
    correlation_id: Mapped[str | None]
    comparison: Mapped[str]
    row_key: Mapped[str]
    owner_role: Mapped[str | None]
    owner_system: Mapped[str | None]
    owner_id: Mapped[str | None]
    replica_role: Mapped[str | None]
    replica_system: Mapped[str | None]
    replica_id: Mapped[str | None]
    attribute: Mapped[str]
    expected: Mapped[str | None]
    observed: Mapped[str | None]
    cause: Mapped[str | None]
    impact_minor: Mapped[int | None]
    currency: Mapped[str | None]
    impact_reporting_minor: Mapped[int | None]
    severity: Mapped[str]
    event_at: Mapped[datetime | None]
    legal_entity: Mapped[str | None]
    period: Mapped[str | None]
    explained_by: Mapped[str | None]


class Night(Base):
    """One reconciled snapshot date, as last recorded."""

    __tablename__ = "nights"

    snapshot_date: Mapped[date] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    recorded_at: Mapped[datetime]
    findings_sha256: Mapped[str]
    exceptions: Mapped[int]
    in_flight: Mapped[int]
    unproven: Mapped[int]
    watermarks: Mapped[Any]
    unproven_comparisons: Mapped[Any]


class Observation(DriftFacts, Base):
    """One drift row as one night saw it: exception, in_flight or unproven."""

    __tablename__ = "observations"

    exception_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    snapshot_date: Mapped[date] = mapped_column(primary_key=True, index=True)
    disposition: Mapped[str]


class ExceptionRecord(DriftFacts, Base):
    """The present of one exception, folded from its observations; never edited by hand."""

    __tablename__ = "exceptions"

    exception_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(index=True)
    opened_on: Mapped[date]
    last_seen_on: Mapped[date]
    resolved_on: Mapped[date | None]
    resolved_by: Mapped[str | None]
    age_days: Mapped[int]
    nights_seen: Mapped[int]
    episode: Mapped[int]
    is_ineffective: Mapped[bool]
    waived_until: Mapped[date | None]


class Waiver(Base):
    """A person's decision to accept an exception for a time and within a band of money."""

    __tablename__ = "waivers"

    waiver_id: Mapped[str] = mapped_column(primary_key=True)
    exception_key: Mapped[str] = mapped_column(String(64), index=True)
    author: Mapped[str]
    approver: Mapped[str]
    reason: Mapped[str]
    valid_from: Mapped[date]
    expires_on: Mapped[date]
    impact_reporting_minor: Mapped[int | None]
    created_at: Mapped[datetime]


class IdentityAssignment(Base):
    """A source record got this canonical id on that night; there is a row only where it changed."""

    __tablename__ = "identity_assignments"

    system: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    snapshot_date: Mapped[date] = mapped_column(primary_key=True, index=True)
    canonical_customer_id: Mapped[str] = mapped_column(index=True)


class IdentityAlias(Base):
    """Records left one canonical id for another: `merged` if nothing is left behind, or `split`."""

    __tablename__ = "identity_aliases"

    old_id: Mapped[str] = mapped_column(primary_key=True)
    new_id: Mapped[str] = mapped_column(primary_key=True)
    snapshot_date: Mapped[date] = mapped_column(primary_key=True, index=True)
    kind: Mapped[str]
    records: Mapped[int]


class IdentityEvent(Base):
    """What a night did to a canonical id: minted, merged, split or gone."""

    __tablename__ = "identity_events"

    snapshot_date: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    canonical_customer_id: Mapped[str] = mapped_column(index=True)
    other_id: Mapped[str | None]
    records: Mapped[int]


class CorrectionRecord(Base):
    """One proposed change to a target system, and how far it has come (the outbox)."""

    __tablename__ = "corrections"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        Index("ix_corrections_state_system", "state", "system"),
    )

    correction_id: Mapped[str] = mapped_column(primary_key=True)
    idempotency_key: Mapped[str]
    exception_key: Mapped[str] = mapped_column(String(64), index=True)
    snapshot_date: Mapped[date]
    code: Mapped[str]
    cause: Mapped[str | None]
    canonical_id: Mapped[str | None]
    action: Mapped[str]
    mode: Mapped[str]
    system: Mapped[str]
    object: Mapped[str]
    record_id: Mapped[str]
    operation: Mapped[str]
    attribute: Mapped[str]
    before: Mapped[Any] = mapped_column(nullable=True)
    after: Mapped[Any]
    payload: Mapped[Any]
    expected_version: Mapped[str]
    watermark_object: Mapped[str]
    reason: Mapped[str]
    evidence: Mapped[str]
    correlation_id: Mapped[str]
    impact_minor: Mapped[int | None]
    currency: Mapped[str | None]
    impact_reporting_minor: Mapped[int | None]
    severity: Mapped[str]
    assignee: Mapped[str]
    state: Mapped[str]
    state_reason: Mapped[str | None]
    refusals: Mapped[Any]
    maker: Mapped[str]
    planned_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    valid_hours: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    verdict_on: Mapped[date | None]
    target_record_id: Mapped[str | None]
    writes: Mapped[int]
    claimed_by: Mapped[str | None]
    claimed_at: Mapped[datetime | None]


class Attempt(Base):
    """One try to send a correction: persisted as an intent, completed with what came back."""

    __tablename__ = "attempts"

    correction_id: Mapped[str] = mapped_column(
        ForeignKey("corrections.correction_id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    claimed_by: Mapped[str]
    started_at: Mapped[datetime]
    write_started_at: Mapped[datetime | None] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    error_class: Mapped[str | None]
    status: Mapped[int | None]
    request_id: Mapped[str | None]
    body_excerpt: Mapped[str | None]


class Halt(Base):
    """A person's word that nothing is sent; it holds until `resumed_at` is set."""

    __tablename__ = "halts"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    halted_at: Mapped[datetime]
    halted_by: Mapped[str]
    reason: Mapped[str]
    resumed_at: Mapped[datetime | None]
    resumed_by: Mapped[str | None]


class Approval(Base):
    """One person's word on one correction."""

    __tablename__ = "approvals"

    correction_id: Mapped[str] = mapped_column(
        ForeignKey("corrections.correction_id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    decision: Mapped[str]
    actor: Mapped[str]
    comment: Mapped[str]
    decided_at: Mapped[datetime]


class AuditEntry(Base):
    """One line of the append-only audit; each line's hash covers the line before it."""

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    body: Mapped[Any]
    previous_sha256: Mapped[str]
    sha256: Mapped[str]


class AuditHead(Base):
    """The end of the audit chain: one row, locked by whoever appends, proof against a cut tail."""

    __tablename__ = "audit_head"

    chain: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int]
    sha256: Mapped[str]


class TieoutRecord(Base):
    """One tie-out of one night: left = matched + explained + unexplained, rows and money."""

    __tablename__ = "tieouts"

    snapshot_date: Mapped[date] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    left_label: Mapped[str]
    left_rows: Mapped[int | None]
    left_minor: Mapped[int | None]
    right_label: Mapped[str]
    right_rows: Mapped[int | None]
    right_minor: Mapped[int | None]
    matched_minor: Mapped[int | None]
    explained_minor: Mapped[int | None]
    unexplained_rows: Mapped[int | None]
    unexplained_minor: Mapped[int | None]
    holds: Mapped[bool]
    detail: Mapped[str | None]


class KpiRecord(Base):
    """One key figure of one night, in total or of one member of a dimension (docs/kpis.md).

    '' stands for no member and no currency; without a numerator there was nothing to measure.
    """

    __tablename__ = "kpis"

    snapshot_date: Mapped[date] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)
    numerator: Mapped[int | None]
    denominator: Mapped[int | None]
    currency: Mapped[str]


class EventLetter(Base):
    """A business event that a receiver refused; `delivered_at` is null until it is taken."""

    __tablename__ = "event_letters"

    sink: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int]
    status: Mapped[int | None]
    reason: Mapped[str]
    refused_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class EventCursor(Base):
    """How far a receiver of business events has got: the last event that it took."""

    __tablename__ = "event_cursors"

    sink: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int]
    event_id: Mapped[str]
    moved_at: Mapped[datetime]
