"""What a night's report says, as frozen values; every rendering reads these and nothing else.

Amounts are integers in minor units beside their currency; `reporting_minor` ones are in the
reporting currency.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from reconcilers.report.identity import IdentityLine
from reconcilers.report.kpis import Kpis
from reconcilers.report.latency import LatencyLine, PostingLine
from reconcilers.report.process import HopLine, StuckLine
from reconcilers.report.rows import CorrectionLine, ExceptionLine

# A night with one of these open is incomplete.
CONTROL_CODES = ("CTL-CNT-01", "CTL-STALE-01")
AGE_BUCKETS = (
    ("0-1", 1),
    ("2-3", 3),
    ("4-7", 7),
    ("8-15", 15),
    ("16-30", 30),
    ("31-60", 60),
    ("61-90", 90),
    ("over 90", None),
)


@dataclass(frozen=True)
class TieoutLine:
    """One assertion: left = matched + explained + unexplained, in rows and money."""

    code: str
    scope: str
    currency: str
    period: str
    left_label: str
    left_rows: int | None
    left_minor: int | None
    right_label: str
    right_rows: int | None
    right_minor: int | None
    explained_minor: int | None
    unexplained_rows: int | None
    unexplained_minor: int | None
    holds: bool
    detail: str


@dataclass(frozen=True)
class PairLine:
    """Where the rows of one side of a comparison went; `match_rate` is outside grace."""

    comparison: str
    side: str
    rows: int
    matched: int
    in_flight: int
    unproven: int
    exception: int
    unexplained: int
    excluded: int

    @property
    def match_rate(self) -> float | None:
        """Matched rows over rows that had to match by now; None when there were none."""
        due = self.rows - self.excluded - self.in_flight
        return self.matched / due if due else None


@dataclass(frozen=True)
class MoneyLine:
    """Rows and money of one disposition, in one currency."""

    comparison: str
    side: str
    disposition: str
    currency: str
    rows: int
    amount_minor: int


@dataclass(frozen=True)
class CodeLine:
    """One class of drift this night. `gross_reporting_minor` sums absolute impacts."""

    code: str
    name: str
    severity: str
    open: int
    new: int
    in_flight: int
    unproven: int
    gross_reporting_minor: int
    net_reporting_minor: int
    assignee: str


@dataclass(frozen=True)
class RiskLine:
    """Open exceptions that are alike in one way, such as their cause or their age.

    `dimension` is a field of ExceptionLine, or `age` for its bucket of days. `new` and `overdue`
    are among the open ones.
    """

    dimension: str
    name: str
    open: int
    new: int
    overdue: int
    gross_reporting_minor: int
    net_reporting_minor: int


@dataclass(frozen=True)
class ObjectLine:
    """How far one object of a source system was read."""

    system: str
    object: str
    source_count: int | None
    landed: int
    quarantined: int
    watermark_at: datetime | None
    is_complete: bool


@dataclass(frozen=True)
class TrendPoint:
    """One recorded night."""

    snapshot_date: date
    exceptions: int
    in_flight: int


@dataclass(frozen=True)
class Totals:
    """The night in numbers.

    `explained` exceptions follow from another one and add nothing to the money at risk, which
    values each cause once. open_before + new + reopened_tonight - resolved = open; `reopened`
    counts every exception that is open for the second time or more, whenever it came back.
    """

    open: int
    open_before: int
    explained: int
    new: int
    reopened: int
    reopened_tonight: int
    ineffective: int
    waived: int
    overdue: int
    resolved_self: int
    resolved_verified: int
    in_flight: int
    unproven: int
    gross_reporting_minor: int
    net_reporting_minor: int
    tieouts: int
    tieouts_broken: int
    match_rate: float | None


@dataclass(frozen=True)
class ReportData:
    """Everything that the report of one night says.

    `pending` are findings that are no exceptions yet: in flight or unproven. `review_url` is where
    people work on exceptions, '' where they do not; `company` whose night it is, '' where there is
    one company.
    """

    snapshot_date: date
    run_id: str
    recorded_at: datetime
    findings_sha256: str
    verdict: str
    headline: str
    incomplete: tuple[str, ...]
    reporting_currency: str
    totals: Totals
    tieouts: tuple[TieoutLine, ...]
    pairs: tuple[PairLine, ...]
    money: tuple[MoneyLine, ...]
    codes: tuple[CodeLine, ...]
    risks: tuple[RiskLine, ...]
    exceptions: tuple[ExceptionLine, ...]
    resolved: tuple[ExceptionLine, ...]
    pending: tuple[ExceptionLine, ...]
    corrections: tuple[CorrectionLine, ...]
    correction_counts: tuple[tuple[str, str, int], ...]
    objects: tuple[ObjectLine, ...]
    trend: tuple[TrendPoint, ...]
    exponents: tuple[tuple[str, int], ...]
    hops: tuple[HopLine, ...] = ()
    stuck: tuple[StuckLine, ...] = ()
    identity: tuple[IdentityLine, ...] = ()
    kpis: Kpis = field(default_factory=Kpis)
    latencies: tuple[LatencyLine, ...] = ()
    slowest: tuple[PostingLine, ...] = ()
    # Exception key or contract id -> name of the page of its thread.
    traces: tuple[tuple[str, str], ...] = ()
    review_url: str = ""
    company: str = ""

    @property
    def is_complete(self) -> bool:
        return not self.incomplete


def age_bucket(days: int) -> str:
    return next(name for name, limit in AGE_BUCKETS if limit is None or days <= limit)
