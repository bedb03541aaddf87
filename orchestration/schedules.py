"""02:00 UTC: reconcile yesterday. 07:00 UTC: tell when that did not happen."""

import dagster as dg

from orchestration.jobs import nightly, watch

nightly_at_two = dg.build_schedule_from_partitioned_job(
    nightly,
    name="nightly_at_two",
    hour_of_day=2,
    minute_of_hour=0,
    description="Reconciles the day that ended two hours ago. Switch it on in the UI.",
)

watch_at_seven = dg.ScheduleDefinition(
    job=watch,
    name="watch_at_seven",
    cron_schedule="0 7 * * *",
    description="Tells of a night that was missed. Switch it on in the UI.",
)

schedules = [nightly_at_two, watch_at_seven]
