"""What happened in the business: the night's new events, kept in the event log."""

import datetime as dt

import dagster as dg

from orchestration.partitions import one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.events.log import EventLog

EVENT_LOG = dg.AssetKey(["events", "log"])
_MODELS = [dg.AssetKey(["events", name]) for name in ("business_events", "event_attribute_changes")]


@dg.asset(
    key=EVENT_LOG,
    deps=_MODELS,
    group_name="events",
    kinds={"duckdb", "parquet"},
    owners=["team:revenue-operations"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def event_log(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """The business events that this night is the first to see, appended once and for ever."""
    day = dt.date.fromisoformat(context.partition_key)
    with night.warehouse() as con:
        appended = EventLog(night.settings.event_log_dir).append(con, day)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": appended.events, "appended now": appended.is_new}
    )


assets = [event_log]
