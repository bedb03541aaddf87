"""Which charts a report has, from its data. Pure."""

from typing import Any

from markupsafe import Markup

from reconcilers.report import charts
from reconcilers.report.amounts import whole
from reconcilers.report.data import ReportData
from reconcilers.report.tables import stage_lines

CHARTED = 12  # the dearest classes; the table beside the chart has all
HOP_PARTS = (
    ("reached in time", "var(--bar)"),
    ("reached late", "var(--odd)"),
    ("waiting", "var(--rest)"),
    ("stuck", "var(--bad)"),
)
TICKS = (
    (1, "1 s"),
    (60, "1 min"),
    (3_600, "1 h"),
    (86_400, "1 d"),
    (864_000, "10 d"),
    (8_640_000, "100 d"),
    (86_400_000, "1,000 d"),
)


def drawings(data: ReportData) -> dict[str, Markup]:
    """The charts by name; empty where there is nothing to draw."""
    drawn = {
        "classes": _classes(data),
        "ages": _ages(data),
        "nights": _nights(data),
        "stages": _stages(data),
        "hops": _hops(data),
        "latencies": _latencies(data),
    }
    return {name: chart or Markup("") for name, chart in drawn.items()}


def _classes(data: ReportData) -> Markup | None:
    shown = sorted(
        (line for line in data.codes if line.gross_reporting_minor),
        key=lambda line: (-line.gross_reporting_minor, line.code),
    )
    sizes = [(line.code, line.gross_reporting_minor) for line in shown[:CHARTED]]
    if rest := shown[CHARTED:]:
        sizes.append((f"{len(rest)} others", sum(line.gross_reporting_minor for line in rest)))
    return _money_bars("Money at risk by class", data, sizes)


def _ages(data: ReportData) -> Markup | None:
    sizes = [
        (f"{line.name} days", line.gross_reporting_minor)
        for line in data.risks
        if line.dimension == "age"
    ]
    return _money_bars("Money at risk by age", data, sizes)


def _stages(data: ReportData) -> Markup | None:
    sizes = [(line.stage, line.gross_reporting_minor) for line in stage_lines(data)]
    return _money_bars("Corrections by stage, in money", data, sizes)


def _money_bars(title: str, data: ReportData, sizes: list[tuple[str, int]]) -> Markup | None:
    exponents = dict(data.exponents)
    rows = [
        {"label": name, "value": minor, "text": whole(minor, data.reporting_currency, exponents)}
        for name, minor in sizes
    ]
    return charts.bars(title, rows) if any(minor for _, minor in sizes) else None


def _nights(data: ReportData) -> Markup | None:
    rows = [
        {"day": point.snapshot_date.isoformat(), "value": point.exceptions} for point in data.trend
    ]
    return charts.columns("Exceptions found each night", rows) if rows else None


def _hops(data: ReportData) -> Markup | None:
    rows = [
        {"label": hop.what, "part": part, "value": value, "place": place}
        for hop in data.hops
        for place, ((part, _), value) in enumerate(
            zip(
                HOP_PARTS,
                (hop.reached - hop.late, hop.late, hop.waiting, hop.stuck),
                strict=True,
            )
        )
    ]
    return charts.stack("How far the contracts got", rows, HOP_PARTS) if rows else None


def _latencies(data: ReportData) -> Markup | None:
    rows: list[dict[str, Any]] = [
        {
            "label": line.document.replace("_", " "),
            "p50": max(line.p50_seconds, 1),
            "p95": max(line.p95_seconds, 1),
            "p99": max(line.p99_seconds, 1),
        }
        for line in data.latencies
    ]
    if not rows:
        return None
    lowest, highest = min(row["p50"] for row in rows), max(row["p99"] for row in rows)
    first = max(place for place, (seconds, _) in enumerate(TICKS) if seconds <= lowest)
    beyond = (place for place, (seconds, _) in enumerate(TICKS) if seconds > highest)
    last = next(beyond, len(TICKS) - 1)
    return charts.ranges("Posting latency by document", rows, TICKS[first : last + 1])
