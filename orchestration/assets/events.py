"""What happened in the business: the night's new events, kept in the event log, and published.

A receiver of events that refuses or stays away fails no night: it gets what it lacks later.
"""

import asyncio

import dagster as dg

from extractors.errors import SourceError
from orchestration.events import send_events
from orchestration.exports import publish_file
from orchestration.partitions import day_of, one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.events.log import EventLog
from reconcilers.events.publish import SUFFIX, export_missing
from reconcilers.events.sink import CursorLost

EVENT_LOG = dg.AssetKey(["events", "log"])
CLOUD_EVENTS = dg.AssetKey(["events", "cloud_events"])
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
    day = day_of(context.partition_key)
    with night.warehouse() as con:
        appended = EventLog(night.settings.event_log_dir).append(con, day)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": appended.events, "appended now": appended.is_new}
    )


@dg.asset(
    key=CLOUD_EVENTS,
    deps=[EVENT_LOG],
    group_name="events",
    kinds={"json"},
    owners=["team:revenue-operations"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    check_specs=[
        dg.AssetCheckSpec(
            "delivered",
            asset=CLOUD_EVENTS,
            description="The receiver of events, if there is one, took all that it lacked.",
        )
    ],
)
def cloud_events(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """The night's events as CloudEvents: JSON lines in a file, and to the receiver, if any."""
    day = day_of(context.partition_key)
    log, settings = EventLog(night.settings.event_log_dir), night.settings
    written = export_missing(log, settings.event_exports_dir, day)
    for one in written:
        publish_file(settings, settings.event_exports_dir / f"{one.isoformat()}{SUFFIX}")
    sent, refused, trouble = 0, 0, ""
    try:
        delivered = asyncio.run(send_events(settings))
        sent, refused = delivered.events, delivered.refused
    except (SourceError, CursorLost) as error:
        trouble = str(error)
    if refused:
        trouble = f"{refused} events were refused: tieout events refused"
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": written.get(day, 0),
            "nights written": ", ".join(map(str, written)),
            "sent": sent,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="delivered",
                passed=not trouble,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"trouble": trouble},
            )
        ],
    )


assets = [event_log, cloud_events]
