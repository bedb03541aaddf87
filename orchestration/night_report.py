"""Writes the report of a night from the warehouse that is built for it and the state store."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.engine import open_warehouse, require_built_for
from reconcilers.report import ReportData, ReportFiles, build_report_data, write_report
from reconcilers.report.html import LISTED
from reconcilers.report.process import STUCK_LISTED
from reconcilers.trace.pages import Pages, thread_pages

TRACES = "traces"


def write_night_report(settings: Settings, day: dt.date) -> ReportFiles:
    """Write the files of a night from the warehouse built for it and the state; their paths.

    Raises:
        WarehouseBuiltForAnotherDay: replay the day first (`tieout nightly DAY`).

    """
    with (
        opened_state(settings) as state,
        open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con,
    ):
        require_built_for(con, day)
        data = build_report_data(con, state, day, policy=load_policy(settings.policy_path))
        pages = thread_pages(con, _subjects(data), dict(data.exponents))
    _write_pages(pages, settings.report_dir(day) / TRACES)
    traces = tuple((key, f"{TRACES}/{name}") for key, name in sorted(pages.of_subject.items()))
    return write_report(replace(data, traces=traces), settings.report_dir(day))


def _subjects(data: ReportData) -> dict[str, tuple[str, ...]]:
    """What the report shows as wrong, each with the ids by which its thread may be known."""
    subjects = {
        line.exception_key: tuple(
            one
            for one in (line.owner_id, line.replica_id, line.canonical_id, line.correlation_id)
            if one
        )
        for line in data.exceptions[:LISTED]
    }
    return subjects | {line.contract_id: (line.contract_id,) for line in data.stuck[:STUCK_LISTED]}


def _write_pages(pages: Pages, folder: Path) -> None:
    """The pages of this writing and no others; each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.html.items():
        unfinished = folder / f"{name}.part"
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(folder / name)
    for file in folder.iterdir():
        if file.name not in pages.html:
            file.unlink()
