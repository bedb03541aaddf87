"""Turns frames and state into ReportData. Pure: the same sources give the same report."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from reconcilers.corrections.policy import Policy
from reconcilers.kpis.definitions import Definition
from reconcilers.kpis.figures import Figure
from reconcilers.report.amounts import amount, whole
from reconcilers.report.data import (
    CONTROL_CODES,
    CodeLine,
    MoneyLine,
    ObjectLine,
    PairLine,
    ReportData,
    TieoutLine,
    Totals,
    TrendPoint,
)
from reconcilers.report.identity import identity_lines
from reconcilers.report.kpis import kpi_lines
from reconcilers.report.latency import latency_lines, posting_lines
from reconcilers.report.lines import correction_line, exception_line, pending_line
from reconcilers.report.process import hop_lines, stuck_lines
from reconcilers.report.risk import risk_lines
from reconcilers.report.rows import ExceptionLine
from reconcilers.rules.codes import CODES
from reconcilers.state.views import CorrectionView, ExceptionView, NightView

TREND_NIGHTS = 60


@dataclass(frozen=True)
class Sources:
    """What a report is made of. `nights` ends with the night that is reported.

    `open_before` are the keys of the exceptions that were open after the night before.
    """

    nights: Sequence[NightView]
    open_before: Collection[str]
    exceptions: Sequence[ExceptionView]
    corrections: Sequence[CorrectionView]
    policy: Policy
    drift: pl.DataFrame
    deltas: pl.DataFrame
    dispositions: pl.DataFrame
    tieouts: pl.DataFrame
    snapshots: pl.DataFrame
    currencies: pl.DataFrame
    hops: pl.DataFrame
    stuck: pl.DataFrame
    identity: pl.DataFrame
    latencies: pl.DataFrame
    slowest: pl.DataFrame
    kpis: Mapping[date, Sequence[Figure]] = field(default_factory=dict)
    kpi_definitions: Mapping[str, Definition] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.nights[-1].snapshot_date


def assemble(sources: Sources) -> ReportData:
    """The whole report."""
    night = sources.nights[-1]
    exponents = _exponents(sources)
    open_lines = _exceptions(sources, is_open=True)
    resolved = _exceptions(sources, is_open=False)
    tieouts = _tieouts(sources.tieouts)
    pairs = _pairs(sources.dispositions)
    totals = _totals(sources, open_lines, tieouts, pairs)
    incomplete = tuple(
        f"{line.code}: {line.owner_system} {line.owner_id} ({CODES[line.code].lower()})"
        for line in open_lines
        if line.code in CONTROL_CODES
    )
    currency = sources.policy.reporting_currency
    verdict, headline = _verdict(
        totals, incomplete, whole(totals.gross_reporting_minor, currency, exponents)
    )
    return ReportData(
        snapshot_date=night.snapshot_date,
        run_id=night.run_id,
        recorded_at=night.recorded_at,
        findings_sha256=night.findings_sha256,
        verdict=verdict,
        headline=headline,
        incomplete=incomplete,
        reporting_currency=currency,
        totals=totals,
        tieouts=tieouts,
        pairs=pairs,
        money=_money(sources.dispositions),
        codes=_codes(sources, open_lines),
        risks=risk_lines(open_lines),
        exceptions=open_lines,
        resolved=resolved,
        pending=_pending(sources),
        corrections=tuple(correction_line(view, exponents) for view in sources.corrections),
        correction_counts=_correction_counts(sources.corrections),
        objects=_objects(sources.snapshots, open_lines),
        trend=tuple(
            TrendPoint(n.snapshot_date, n.exceptions, n.in_flight)
            for n in sources.nights[-TREND_NIGHTS:]
        ),
        exponents=tuple(exponents.items()),
        hops=hop_lines(sources.hops),
        stuck=stuck_lines(sources.stuck),
        identity=identity_lines(sources.identity),
        kpis=kpi_lines(sources.kpis, night.snapshot_date, sources.kpi_definitions, exponents),
        latencies=latency_lines(sources.latencies),
        slowest=posting_lines(sources.slowest),
    )


def _exponents(sources: Sources) -> dict[str, int]:
    return dict(sources.currencies.select("currency", "exponent").sort("currency").rows())


def _decomposition(
    view: ExceptionView, parts: Iterable[tuple[str, int]], exponents: Mapping[str, int]
) -> str:
    """'tax 5.00 EUR, rounding 0.01 EUR'; empty where the impact is not the gap of two amounts."""
    currency = view.currency or ""
    return ", ".join(
        f"{part.replace('_', ' ')} {amount(minor, currency, exponents)}" for part, minor in parts
    )


def _verdict(totals: Totals, incomplete: Sequence[str], at_risk: str) -> tuple[str, str]:
    if incomplete:
        return "INCOMPLETE", (
            "Not everything was read: what the affected comparisons say is unproven, and what they "
            "do not say may be missing."
        )
    if totals.tieouts_broken:
        return "BROKEN", f"{totals.tieouts_broken} of {totals.tieouts} tie-outs do not hold."
    if totals.open:
        noun = "exception is" if totals.open == 1 else "exceptions are"
        return "DRIFT", f"{totals.open} {noun} open, {at_risk} at risk; every tie-out holds."
    return "CLEAN", "Every record matches or is accounted for, and every tie-out holds."


def _exceptions(sources: Sources, *, is_open: bool) -> tuple[ExceptionLine, ...]:
    """Open exceptions, or those that this night resolved; the gravest and dearest first."""
    corrections: dict[str, CorrectionView] = {}
    for view in sorted(sources.corrections, key=lambda view: (view.planned_at, view.correction_id)):
        corrections[view.exception_key] = view
    exponents = _exponents(sources)
    parts = {
        key: found.select("part", "amount_minor").rows()
        for (key,), found in sources.deltas.group_by("exception_key", maintain_order=True)
    }
    lines = [
        exception_line(
            view,
            sources.policy.rule(view.code, view.cause),
            corrections.get(view.exception_key),
            sources.today,
            decomposition=_decomposition(view, parts.get(view.exception_key, ()), exponents),
            was_open=view.exception_key in sources.open_before,
        )
        for view in sources.exceptions
        if (view.resolved_on is None if is_open else view.resolved_on == sources.today)
    ]
    return tuple(sorted(lines, key=_gravity))


def _pending(sources: Sources) -> tuple[ExceptionLine, ...]:
    """What the night found and cannot hold against anybody yet."""
    found = sources.drift.filter(pl.col("disposition") != "exception")
    lines = [
        pending_line(row, sources.policy.rule(row["code"], row["cause"]))
        for row in found.iter_rows(named=True)
    ]
    return tuple(sorted(lines, key=_gravity))


def _gravity(line: ExceptionLine) -> tuple[str, int, str, str]:
    return line.severity, -abs(line.impact_reporting_minor or 0), line.code, line.exception_key


def _totals(
    sources: Sources,
    open_lines: Sequence[ExceptionLine],
    tieouts: Sequence[TieoutLine],
    pairs: Sequence[PairLine],
) -> Totals:
    ended = Counter(v.state for v in sources.exceptions if v.resolved_on == sources.today)
    labels = Counter(line.state for line in open_lines)
    impacts = [line.counted_reporting_minor for line in open_lines]
    night = sources.nights[-1]
    due = sum(pair.rows - pair.excluded - pair.in_flight for pair in pairs)
    return Totals(
        open=len(open_lines),
        open_before=len(sources.open_before),
        explained=sum(bool(line.explained_by) for line in open_lines),
        new=sum(line.is_new for line in open_lines),
        reopened=labels["REOPENED"],
        reopened_tonight=sum(line.is_reopened for line in open_lines),
        ineffective=labels["INEFFECTIVE"],
        waived=labels["WAIVED"],
        overdue=sum(line.is_overdue for line in open_lines),
        resolved_self=ended["RESOLVED_SELF"],
        resolved_verified=ended["RESOLVED_VERIFIED"],
        in_flight=night.in_flight,
        unproven=night.unproven,
        gross_reporting_minor=sum(abs(impact) for impact in impacts),
        net_reporting_minor=sum(impacts),
        tieouts=len(tieouts),
        tieouts_broken=sum(not line.holds for line in tieouts),
        match_rate=sum(pair.matched for pair in pairs) / due if due else None,
    )


def _tieouts(frame: pl.DataFrame) -> tuple[TieoutLine, ...]:
    """All tie-outs, the broken ones first."""
    lines = [
        TieoutLine(
            code=row["code"],
            scope=row["scope"] or "",
            currency=row["currency"] or "",
            period=row["period"] or "",
            left_label=row["left_label"] or "",
            left_rows=row["left_rows"],
            left_minor=row["left_minor"],
            right_label=row["right_label"] or "",
            right_rows=row["right_rows"],
            right_minor=row["right_minor"],
            explained_minor=row["explained_minor"],
            unexplained_rows=row["unexplained_rows"],
            unexplained_minor=row["unexplained_minor"],
            holds=row["holds"],
            detail=row["detail"] or "",
        )
        for row in frame.iter_rows(named=True)
    ]
    return tuple(sorted(lines, key=lambda t: (t.holds, t.code, t.scope, t.currency, t.period)))


def _pairs(dispositions: pl.DataFrame) -> tuple[PairLine, ...]:
    sides: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in dispositions.iter_rows(named=True):
        kind = "excluded" if row["disposition"].startswith("excluded") else row["disposition"]
        sides[row["comparison"], row["side"]][kind] += row["rows"]
    return tuple(
        PairLine(
            comparison=comparison,
            side=side,
            rows=counts.total(),
            matched=counts["matched"],
            in_flight=counts["in_flight"],
            unproven=counts["unproven"],
            exception=counts["exception"],
            unexplained=counts["unexplained"],
            excluded=counts["excluded"],
        )
        for (comparison, side), counts in sorted(sides.items())
    )


def _money(dispositions: pl.DataFrame) -> tuple[MoneyLine, ...]:
    """What is outside matched and exceptions: in flight, unproven and excluded by reason."""
    rows = dispositions.filter(~pl.col("disposition").is_in(["matched", "exception"]))
    ordered = rows.sort("comparison", "side", "disposition", "currency", nulls_last=True)
    return tuple(
        MoneyLine(
            comparison=row["comparison"],
            side=row["side"],
            disposition=row["disposition"],
            currency=row["currency"] or "",
            rows=row["rows"],
            amount_minor=row["amount_minor"] or 0,
        )
        for row in ordered.iter_rows(named=True)
    )


def _codes(sources: Sources, open_lines: Sequence[ExceptionLine]) -> tuple[CodeLine, ...]:
    """Every class of the policy, also those that found nothing: silence is a finding too."""
    shown: Mapping[tuple[Any, ...], int] = {
        (row["code"], row["disposition"]): row["len"]
        for row in sources.drift.group_by("code", "disposition").len().iter_rows(named=True)
    }
    by_code: dict[str, list[ExceptionLine]] = defaultdict(list)
    for line in open_lines:
        by_code[line.code].append(line)
    return tuple(
        _code_line(sources.policy, code, by_code[code], shown)
        for code in sorted({code for code, _ in sources.policy.rules} | by_code.keys())
    )


def _code_line(
    policy: Policy,
    code: str,
    lines: Sequence[ExceptionLine],
    shown: Mapping[tuple[Any, ...], int],
) -> CodeLine:
    impacts = [line.counted_reporting_minor for line in lines]
    return CodeLine(
        code=code,
        name=CODES.get(code, code),
        severity=min((line.severity for line in lines), default=""),
        open=len(lines),
        new=sum(line.is_new for line in lines),
        in_flight=shown.get((code, "in_flight"), 0),
        unproven=shown.get((code, "unproven"), 0),
        gross_reporting_minor=sum(abs(impact) for impact in impacts),
        net_reporting_minor=sum(impacts),
        assignee=policy.rule(code, None).assignee,
    )


def _correction_counts(views: Iterable[CorrectionView]) -> tuple[tuple[str, str, int], ...]:
    counts = Counter((view.mode, view.state) for view in views)
    return tuple((mode, state, count) for (mode, state), count in sorted(counts.items()))


def _objects(
    snapshots: pl.DataFrame, open_lines: Sequence[ExceptionLine]
) -> tuple[ObjectLine, ...]:
    broken = {
        (line.owner_system, line.owner_id) for line in open_lines if line.code in CONTROL_CODES
    }
    return tuple(
        ObjectLine(
            system=row["system"],
            object=row["object"],
            source_count=row["source_count"],
            landed=row["landed_count"],
            quarantined=row["quarantined_count"],
            watermark_at=_utc(row["watermark_at"]),
            is_complete=(row["system"], row["object"]) not in broken,
        )
        for row in snapshots.iter_rows(named=True)
    )


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
