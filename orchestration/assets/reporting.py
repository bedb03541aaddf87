"""The morning after: the report, the CSV and the summary of a night."""

import datetime as dt
from dataclasses import asdict

import dagster as dg

from orchestration.assets.corrections import PLAN
from orchestration.night_report import write_night_report
from orchestration.partitions import one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night

REPORT = dg.AssetKey(["reporting", "nightly_report"])


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
