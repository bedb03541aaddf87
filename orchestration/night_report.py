"""Writes the report of a night from the warehouse that is built for it and the state store."""

import datetime as dt

from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.engine import open_warehouse, require_built_for
from reconcilers.report import ReportFiles, build_report_data, write_report


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
    return write_report(data, settings.report_dir(day))
