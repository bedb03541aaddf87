"""What the long tables of the page show, filter by and add up. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from reconcilers.report.amounts import value_of
from reconcilers.report.data import ReportData, TieoutLine
from reconcilers.report.grids import Column, Grid, Row
from reconcilers.report.risk import DIMENSIONS
from reconcilers.report.rows import CorrectionLine, ExceptionLine

# Where a correction is on its way; in every other state it has left it.
STAGES = {
    "proposed": "proposed",
    "held": "proposed",
    "refused": "proposed",
    "approved": "approved",
    "sending": "sent",
    "unknown": "sent",
    "accepted": "sent",
    "verified": "verified",
}
ENDED = "ended otherwise"
STAGE_ORDER = (*dict.fromkeys(STAGES.values()), ENDED)


def grids_of(data: ReportData) -> dict[str, Grid]:
    """The long tables by name."""
    traces = dict(data.traces)
    return {
        grid.name: grid
        for grid in (
            _tieouts(data),
            _exceptions(data, traces),
            _corrections(data),
            _stuck(data, traces),
            _postings(data),
        )
    }


def _standing(line: ExceptionLine) -> str:
    if line.state in ("IN_FLIGHT", "UNPROVEN"):
        return line.state.lower().replace("_", " ")
    return "open" if line.resolved_on is None else "resolved"


def _news(line: ExceptionLine) -> str:
    if line.resolved_on is not None:
        return "resolved by us" if line.state == "RESOLVED_VERIFIED" else "resolved by itself"
    if line.is_new:
        return "new"
    return "reopened" if line.is_reopened else "as before"


def _exception_row(
    line: ExceptionLine, traces: Mapping[str, str], exponents: Mapping[str, int]
) -> Row:
    return {
        "standing": _standing(line),
        "news": _news(line),
        "severity": line.severity,
        "state": line.state,
        "code": line.code,
        "cause": line.cause,
        "legal_entity": line.legal_entity,
        "entity": line.entity,
        "period": line.period,
        "owner_system": line.owner_system,
        "owner_id": line.owner_id,
        "replica_system": line.replica_system,
        "replica_id": line.replica_id or ("nothing there" if line.replica_system else ""),
        "attribute": line.attribute,
        "expected": value_of(line.code, line.attribute, line.expected, line.currency, exponents),
        "observed": value_of(line.code, line.attribute, line.observed, line.currency, exponents),
        "impact_minor": line.impact_minor if line.currency else None,
        "currency": line.currency,
        "impact_reporting_minor": line.impact_reporting_minor,
        "decomposition": line.decomposition,
        "age_days": line.age_days,
        "age": DIMENSIONS["age"](line),
        "opened_on": line.opened_on.isoformat(),
        "late": "past its time" if line.is_overdue else "in time",
        "assignee": line.assignee,
        "correction_id": line.correction_id,
        "correction_state": line.correction_state,
        "comparison": line.comparison,
        "explained_by": line.explained_by,
        "thread_id": line.correlation_id or line.owner_id or line.replica_id,
        "thread": traces.get(line.exception_key, ""),
        "exception_key": line.exception_key,
    }


def _exceptions(data: ReportData, traces: Mapping[str, str]) -> Grid:
    lines = (*data.exceptions, *data.resolved, *data.pending)
    exponents = dict(data.exponents)
    return Grid(
        name="exceptions",
        caption="Exceptions",
        csv="exceptions.csv",
        columns=(
            Column("severity", "Severity", "pill"),
            Column(
                "code",
                "Class",
                "code",
                (Column("cause", "Cause", "words"), Column("state", "State", "state")),
            ),
            Column("owner_id", "Owner record", "code", (Column("owner_system", "Owner"),)),
            Column("replica_id", "Other side", "code", (Column("replica_system", "Other side"),)),
            Column("expected", "Expected", "text", (Column("attribute", "Attribute", "words"),)),
            Column("observed", "Seen"),
            Column("impact_minor", "Impact", "money", (Column("decomposition", "Made of"),)),
            Column("age_days", "Age (days)", "count", (Column("late", "Late", "late"),)),
            Column(
                "assignee",
                "Assigned to",
                "text",
                (Column("correction_state", "Correction", "pill"),),
            ),
        ),
        rows=[_exception_row(line, traces, exponents) for line in lines],
        facets=(
            ("standing", "Standing"),
            ("news", "Since last night"),
            ("severity", "Severity"),
            ("code", "Class"),
            ("cause", "Cause"),
            ("legal_entity", "Legal entity"),
            ("entity", "Kind of record"),
            ("age", "Age in days"),
            ("late", "Time to decide"),
            ("assignee", "Assigned to"),
            ("correction_state", "Correction"),
            ("comparison", "Comparison"),
        ),
        details=(
            Column("exception_key", "Exception", "code"),
            Column("state", "State", "words"),
            Column("legal_entity", "Legal entity"),
            Column("entity", "Kind of record", "words"),
            Column("period", "Period"),
            Column("opened_on", "First seen"),
            Column("impact_reporting_minor", "Impact in the reporting currency", "reporting"),
            Column("decomposition", "The impact is made of"),
            Column("comparison", "Comparison", "code"),
            Column("explained_by", "Follows from the exception", "exception"),
            Column("correction_id", "Correction", "correction"),
        ),
        start={"standing": "open"},
        adds="impact_reporting_minor",
        unless="explained_by",
    )


def _correction_row(line: CorrectionLine) -> Row:
    return {
        "stage": STAGES.get(line.state, ENDED),
        "state": line.state,
        "mode": line.mode,
        "code": line.code,
        "cause": line.cause,
        "correction_id": line.correction_id,
        "target": line.target,
        "record_id": line.record_id,
        "change": line.change,
        "why": " ".join(line.refusals) or line.state_reason or line.reason,
        "impact_minor": line.impact_minor if line.currency else None,
        "currency": line.currency,
        "impact_reporting_minor": line.impact_reporting_minor,
        "assignee": line.assignee,
        "planned_at": f"{line.planned_at:%Y-%m-%d %H:%M}",
        "sent_at": f"{line.sent_at:%Y-%m-%d %H:%M}" if line.sent_at else "",
        "accepted_at": f"{line.accepted_at:%Y-%m-%d %H:%M}" if line.accepted_at else "",
        "verdict_on": line.verdict_on.isoformat() if line.verdict_on else "",
        "exception_key": line.exception_key,
    }


@dataclass(frozen=True)
class StageLine:
    """Corrections that are equally far; money without sign, in the reporting currency."""

    stage: str
    count: int
    gross_reporting_minor: int


def stage_lines(data: ReportData) -> tuple[StageLine, ...]:
    """How far the corrections are, in the order of the way; every one has one stage."""
    impacts: dict[str, list[int]] = defaultdict(list)
    for line in data.corrections:
        stage = STAGES.get(line.state, ENDED)
        impacts[stage].append(abs(line.impact_reporting_minor or 0))
    return tuple(
        StageLine(stage, len(impacts[stage]), sum(impacts[stage])) for stage in STAGE_ORDER
    )


def _corrections(data: ReportData) -> Grid:
    return Grid(
        name="corrections",
        caption="Corrections",
        csv="corrections.csv",
        columns=(
            Column("state", "State", "pill", (Column("mode", "Mode", "words"),)),
            Column("code", "Class", "code", (Column("cause", "Cause", "words"),)),
            Column("record_id", "Target", "code", (Column("target", "Target"),)),
            Column("change", "Change"),
            Column("impact_minor", "Impact", "money"),
            Column("assignee", "Assigned to"),
            Column("why", "Why so"),
        ),
        rows=[_correction_row(line) for line in data.corrections],
        facets=(
            ("stage", "Stage"),
            ("state", "State"),
            ("mode", "Mode"),
            ("code", "Class"),
            ("target", "Target"),
            ("assignee", "Assigned to"),
        ),
        details=(
            Column("correction_id", "Correction", "code"),
            Column("exception_key", "Corrects the exception", "exception"),
            Column("planned_at", "Planned (UTC)"),
            Column("sent_at", "Sent (UTC)"),
            Column("accepted_at", "Accepted (UTC)"),
            Column("verdict_on", "Judged by the night of"),
            Column("impact_reporting_minor", "Impact in the reporting currency", "reporting"),
        ),
        adds="impact_reporting_minor",
    )


def _tieout_row(line: TieoutLine) -> Row:
    return {
        "verdict": "holds" if line.holds else "broken",
        "code": line.code,
        "scope": line.scope,
        "period": line.period,
        "currency": line.currency,
        "left_rows": line.left_rows,
        "left_label": line.left_label,
        "left_minor": line.left_minor if line.currency else None,
        "right_rows": line.right_rows,
        "right_label": line.right_label,
        "right_minor": line.right_minor if line.currency else None,
        "explained_minor": line.explained_minor if line.currency else None,
        "unexplained_rows": line.unexplained_rows,
        "unexplained_minor": line.unexplained_minor if line.currency else None,
        "detail": line.detail.replace("_", " "),
    }


def _tieouts(data: ReportData) -> Grid:
    return Grid(
        name="tieout-lines",
        caption="Lines of the tie-outs",
        csv="",
        columns=(
            Column("verdict", "Verdict", "pill"),
            Column("code", "Tie-out", "code"),
            Column("scope", "Scope", "words", (Column("period", "Period"),)),
            Column("left_minor", "Left", "money", (Column("left_label", "Left"),)),
            Column("left_rows", "Rows left", "count"),
            Column("right_minor", "Right", "money", (Column("right_label", "Right"),)),
            Column("right_rows", "Rows right", "count"),
            Column("explained_minor", "Explained", "money"),
            Column("unexplained_minor", "Unexplained", "money"),
            Column("unexplained_rows", "Rows unexplained", "count"),
        ),
        rows=[_tieout_row(line) for line in data.tieouts],
        facets=(
            ("verdict", "Verdict"),
            ("code", "Tie-out"),
            ("scope", "Scope"),
            ("currency", "Currency"),
            ("period", "Period"),
        ),
        details=(Column("detail", "What moved, and what explains the gap"),),
    )


def _stuck(data: ReportData, traces: Mapping[str, str]) -> Grid:
    rows = [
        {
            "contract_id": line.contract_id,
            "hop": line.hop,
            "what": line.what,
            "blocking_kind": line.blocking_key.partition(":")[0],
            "blocking_id": line.blocking_key.partition(":")[2],
            "waited_seconds": line.waited_seconds,
            "expected_seconds": line.expected_seconds,
            "monthly_minor": line.recurring_mrr_minor,
            "currency": line.currency,
            "thread_id": line.contract_id,
            "thread": traces.get(line.contract_id, ""),
        }
        for line in data.stuck
    ]
    return Grid(
        name="stuck",
        caption="Stuck threads",
        csv="",
        columns=(
            Column("contract_id", "Contract", "code"),
            Column("what", "What is missing"),
            Column(
                "blocking_id", "It stands behind", "code", (Column("blocking_kind", "", "words"),)
            ),
            Column("waited_seconds", "Waits", "duration"),
            Column("expected_seconds", "Expected", "duration"),
            Column("monthly_minor", "A month of it", "money"),
        ),
        rows=rows,
        facets=(("what", "What is missing"), ("blocking_kind", "It stands behind")),
    )


def _postings(data: ReportData) -> Grid:
    rows = [vars(line) | {"thread_id": line.record_id, "thread": ""} for line in data.slowest]
    return Grid(
        name="postings",
        caption="The slowest postings",
        csv="",
        columns=(
            Column("document", "Document", "words"),
            Column("record_id", "Billing", "code"),
            Column("erp_id", "ERP", "code"),
            Column("legal_entity", "Legal entity"),
            Column("happened_at", "Happened (UTC)"),
            Column("posted_at", "Posted (UTC)"),
            Column("seconds", "Took", "duration"),
        ),
        rows=rows,
        facets=(("document", "Document"), ("legal_entity", "Legal entity")),
    )
