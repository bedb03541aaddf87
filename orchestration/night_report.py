"""Writes the report of a night from the warehouse that is built for it and the state store."""

import datetime as dt
from dataclasses import replace

from orchestration.exports import publish_report
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.engine import open_warehouse, require_built_for
from reconcilers.report.build import build_report_data
from reconcilers.report.data import ReportData
from reconcilers.report.files import ReportFiles, write_report
from reconcilers.report.process import STUCK_LISTED
from reconcilers.trace.pages import thread_pages

THREADS_SHOWN = 200  # of the dearest exceptions, inside the page; `tieout trace` shows any


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
        data = build_report_data(
            con,
            state,
            day,
            policy=load_policy(settings.policy_path),
            review_url=settings.review_url,
        )
        pages = thread_pages(con, _subjects(data), dict(data.exponents))
    traces = tuple(sorted(pages.of_subject.items()))
    named = replace(data, traces=traces, company=settings.company)
    files = write_report(named, settings.report_dir(day), pages.html)
    publish_report(settings, day)
    return files


def _subjects(data: ReportData) -> dict[str, tuple[str, ...]]:
    """What is shown with its thread, each with the ids by which the thread may be known."""
    dearest = sorted(data.exceptions, key=lambda line: -abs(line.impact_reporting_minor or 0))
    subjects = {
        line.exception_key: tuple(
            one
            for one in (line.owner_id, line.replica_id, line.canonical_id, line.correlation_id)
            if one
        )
        for line in dearest[:THREADS_SHOWN]
    }
    return subjects | {line.contract_id: (line.contract_id,) for line in data.stuck[:STUCK_LISTED]}
