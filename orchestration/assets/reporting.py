"""The morning after: the report, the CSV and the summary of a night."""

import datetime as dt
from dataclasses import asdict

import dagster as dg

from orchestration.assets.corrections import PLAN
from orchestration.partitions import one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.engine import open_warehouse, require_built_for
from reconcilers.report import ReportFiles, build_report_data, write_report

REPORT = dg.AssetKey(["reporting", "nightly_report"])


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


@dg.asset(
    key=REPORT,
    deps=[PLAN],
    group_name="reporting",
    kinds={"html", "csv"},
    owners=["team:finance-systems"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def nightly_report(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """Verdict, tie-outs, money at risk, exceptions and corrections of the night."""
    day = dt.date.fromisoformat(context.partition_key)
    files = write_night_report(night.settings, day)
    return dg.MaterializeResult(
        metadata={name: dg.MetadataValue.path(path) for name, path in asdict(files).items()}
    )


assets = [nightly_report]
