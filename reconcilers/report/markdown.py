"""The report in short, as Markdown: for Dagster, a chat or a ticket. Pure."""

from collections.abc import Iterable, Sequence
from functools import partial

from reconcilers.report.amounts import percent, whole
from reconcilers.report.data import ReportData
from reconcilers.report.tables import stage_lines
from reconcilers.trace.folded import duration

LISTED = 10  # classes and broken tie-outs; the page has all


def render_markdown(data: ReportData) -> str:
    """The same data give the same text. No personal value is in it: rows are not."""
    parts = [
        f"# {' '.join(filter(None, (data.verdict, data.company)))}: {data.snapshot_date}",
        _safe(data.headline),
        "\n".join(f"- {_safe(line)}" for line in data.incomplete),
        _numbers(data),
        _broken(data),
        _classes(data),
        _news(data),
        _corrections(data),
        _latencies(data),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _numbers(data: ReportData) -> str:
    totals, money = data.totals, _money(data)
    return _table(
        ("Night", ""),
        [
            ("Tie-outs that hold", f"{totals.tieouts - totals.tieouts_broken} of {totals.tieouts}"),
            ("At risk (gross, each cause once)", money(totals.gross_reporting_minor)),
            ("Open exceptions", f"{totals.open:,}, {totals.new:,} new"),
            ("Past their time to decide", f"{totals.overdue:,}"),
            ("Rows due that match", percent(totals.match_rate)),
        ],
    )


def _broken(data: ReportData) -> str:
    broken = [line for line in data.tieouts if not line.holds]
    rows = [
        (
            line.code,
            f"{line.scope} {line.currency} {line.period}",
            f"{line.unexplained_rows or 0:,}",
        )
        for line in broken[:LISTED]
    ]
    return _table((f"Broken tie-outs ({len(broken)})", "Scope", "Rows unexplained"), rows)


def _classes(data: ReportData) -> str:
    money = _money(data)
    found = sorted(
        (line for line in data.codes if line.open),
        key=lambda line: (-line.gross_reporting_minor, -line.open, line.code),
    )
    rows = [
        (line.code, line.name, f"{line.open:,}", f"{line.new:,}", money(line.gross_reporting_minor))
        for line in found[:LISTED]
    ]
    return _table((f"Classes ({len(found)})", "Name", "Open", "New", "At risk"), rows)


def _news(data: ReportData) -> str:
    totals = data.totals
    return _table(
        ("Open last night", "New", "Reopened", "Resolved, verified", "Resolved by itself", "Open"),
        [
            tuple(
                f"{number:,}"
                for number in (
                    totals.open_before,
                    totals.new,
                    totals.reopened_tonight,
                    totals.resolved_verified,
                    totals.resolved_self,
                    totals.open,
                )
            )
        ],
    )


def _corrections(data: ReportData) -> str:
    money = _money(data)
    rows = [
        (line.stage, f"{line.count:,}", money(line.gross_reporting_minor))
        for line in stage_lines(data)
        if line.count
    ]
    return _table(("Corrections", "Count", "Money"), rows)


def _latencies(data: ReportData) -> str:
    rows = [
        (
            line.document.replace("_", " "),
            f"{line.posted:,}",
            *map(duration, (line.p50_seconds, line.p95_seconds, line.p99_seconds)),
        )
        for line in data.latencies
    ]
    return _table(("Posting latency", "Posted", "Median", "95 %", "99 %"), rows)


def _money(data: ReportData) -> "partial[str]":
    return partial(whole, currency=data.reporting_currency, exponents=dict(data.exponents))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(map(_safe, row))} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *lines])


def _safe(text: str) -> str:
    """Text that stays text: no cell ends in it, no markup begins."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
