"""Writes a report's files: the page, the tables for spreadsheets, the summary for machines."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from reconcilers.report.data import ReportData
from reconcilers.report.html import render_html
from reconcilers.report.kpi_tables import kpis_csv, kpis_json, kpis_markdown
from reconcilers.report.markdown import render_markdown
from reconcilers.report.rows import CorrectionLine, ExceptionLine
from reconcilers.spreadsheet import table

CLASSES = "exceptions"  # the folder with a table for each class
# report.json: all of a report, which `WHOLE.validate_json` reads back.
WHOLE = TypeAdapter(ReportData)
# The columns of exceptions.csv, in this order for good; new ones come at the end.
EXCEPTION_COLUMNS = tuple(item.name for item in fields(ExceptionLine))
CORRECTION_COLUMNS = tuple(item.name for item in fields(CorrectionLine))


@dataclass(frozen=True)
class ReportFiles:
    """Where a report was written."""

    html: Path
    exceptions_csv: Path
    corrections_csv: Path
    summary_json: Path
    kpis_csv: Path
    kpis_markdown: Path
    report_json: Path
    markdown: Path


def write_report(
    data: ReportData, folder: Path, threads: Mapping[str, str] | None = None
) -> ReportFiles:
    """Write all forms of a report into a folder, each file whole or not at all.

    `threads`: the pages of the threads that `data.traces` names, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = ReportFiles(
        html=folder / "report.html",
        exceptions_csv=folder / "exceptions.csv",
        corrections_csv=folder / "corrections.csv",
        summary_json=folder / "summary.json",
        kpis_csv=folder / "kpis.csv",
        kpis_markdown=folder / "kpis.md",
        report_json=folder / "report.json",
        markdown=folder / "report.md",
    )
    _write(files.html, render_html(data, threads))
    _write(files.exceptions_csv, exceptions_csv(data))
    _write_classes(data, folder / CLASSES)
    _write(files.corrections_csv, table(CORRECTION_COLUMNS, data.corrections))
    _write(files.kpis_csv, kpis_csv(data.kpis))
    _write(files.kpis_markdown, kpis_markdown(data.kpis))
    summary = json.dumps(run_summary(data), indent=2, ensure_ascii=False) + "\n"
    _write(files.summary_json, summary)
    _write(files.report_json, WHOLE.dump_json(data).decode() + "\n")
    _write(files.markdown, render_markdown(data))
    return files


def exceptions_csv(data: ReportData) -> str:
    """Open exceptions and those resolved this night, one a row.

    Amounts are integers in minor units, dates are ISO, booleans true or false. A text that a
    spreadsheet would take for a formula gets an apostrophe in front; numbers do not.
    """
    return table(EXCEPTION_COLUMNS, [*data.exceptions, *data.resolved])


def _write_classes(data: ReportData, folder: Path) -> None:
    """One table per class of drift, with the columns of all; none of a class that has no row."""
    folder.mkdir(exist_ok=True)
    lines: dict[str, list[ExceptionLine]] = defaultdict(list)
    for line in (*data.exceptions, *data.resolved):
        lines[f"{line.code}.csv"].append(line)
    for name, those in lines.items():
        _write(folder / name, table(EXCEPTION_COLUMNS, those))
    for file in folder.iterdir():
        if file.name not in lines:
            file.unlink()


def run_summary(data: ReportData) -> dict[str, Any]:
    """The night for machines: stable names, minor units, ISO times."""
    return {
        "company": data.company,
        "snapshot_date": data.snapshot_date.isoformat(),
        "run_id": data.run_id,
        "recorded_at": data.recorded_at.isoformat(),
        "findings_sha256": data.findings_sha256,
        "verdict": data.verdict,
        "is_complete": data.is_complete,
        "incomplete": list(data.incomplete),
        "reporting_currency": data.reporting_currency,
        "totals": asdict(data.totals),
        "codes": {
            line.code: {
                "open": line.open,
                "new": line.new,
                "in_flight": line.in_flight,
                "unproven": line.unproven,
                "gross_reporting_minor": line.gross_reporting_minor,
            }
            for line in data.codes
        },
        "match_rates": {f"{pair.comparison}.{pair.side}": pair.match_rate for pair in data.pairs},
        "corrections": [
            {"mode": mode, "state": state, "count": count}
            for mode, state, count in data.correction_counts
        ],
        "kpis": kpis_json(data.kpis),
        "identity": {line.what: line.count for line in data.identity},
        "tieouts_broken": [
            f"{line.code} {line.scope} {line.currency} {line.period}".strip()
            for line in data.tieouts
            if not line.holds
        ],
    }


def _write(path: Path, text: str) -> None:
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(text, encoding="utf-8", newline="")
    staged.replace(path)
