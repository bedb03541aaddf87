"""What a report tells of one exception and of one correction, as frozen values.

Amounts are integers in minor units beside their currency; `impact_reporting_minor` is in the
reporting currency. Times are UTC.
"""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class ExceptionLine:
    """One exception as of this night; names, e-mails and tax ids are masked unless asked for."""

    exception_key: str
    state: str
    severity: str
    code: str
    cause: str
    entity: str
    canonical_id: str
    correlation_id: str
    owner_system: str
    owner_id: str
    replica_system: str
    replica_id: str
    attribute: str
    expected: str
    observed: str
    impact_minor: int | None
    currency: str
    impact_reporting_minor: int | None
    legal_entity: str
    period: str
    opened_on: date
    last_seen_on: date
    resolved_on: date | None
    age_days: int
    is_new: bool
    is_overdue: bool
    assignee: str
    correction_id: str
    correction_state: str
    comparison: str
    row_key: str
    explained_by: str
    decomposition: str
    is_reopened: bool

    @property
    def counted_reporting_minor(self) -> int:
        """What the exception adds to the money at risk."""
        return 0 if self.explained_by else self.impact_reporting_minor or 0


@dataclass(frozen=True)
class CorrectionLine:
    """One correction as it stands when the report is made."""

    correction_id: str
    code: str
    cause: str
    mode: str
    state: str
    target: str
    record_id: str
    attribute: str
    change: str
    reason: str
    state_reason: str
    refusals: tuple[str, ...]
    impact_minor: int | None
    currency: str
    assignee: str
    exception_key: str
    severity: str
    impact_reporting_minor: int | None
    planned_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    verdict_on: date | None
