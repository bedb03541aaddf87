"""02:00 UTC: reconcile yesterday."""

import dagster as dg

from orchestration.jobs import nightly

nightly_at_two = dg.build_schedule_from_partitioned_job(
    nightly,
    name="nightly_at_two",
    hour_of_day=2,
    minute_of_hour=0,
    description="Reconciles the day that ended two hours ago. Switch it on in the UI.",
)

schedules = [nightly_at_two]
