"""02:00 UTC: reconcile yesterday. 07:00 UTC: tell when that did not happen.

Where there are several companies, each has a run of its own: what stops one stops no other.
"""

import dagster as dg

from orchestration.jobs import nightly

nightly_at_two = dg.build_schedule_from_partitioned_job(
    nightly,
    name="nightly_at_two",
    hour_of_day=2,
    minute_of_hour=0,
    description="Reconciles the day that ended two hours ago. Switch it on in the UI.",
)


def watch_at_seven(watch: dg.JobDefinition) -> dg.ScheduleDefinition:
    """The schedule of this job, as one run, or as one for each company."""

    @dg.schedule(
        job=watch,
        name="watch_at_seven",
        cron_schedule="0 7 * * *",
        description="Tells of a night that was missed. Switch it on in the UI.",
    )
    def at_seven() -> list[dg.RunRequest]:
        if watch.partitions_def is None:
            return [dg.RunRequest()]
        companies = watch.partitions_def.get_partition_keys()
        return [dg.RunRequest(run_key=company, partition_key=company) for company in companies]

    return at_seven
