"""The one partition set: a day D is what the systems held at its end, in UTC."""

import datetime as dt
import warnings

import dagster as dg

# The backfill policy of assets is what makes a backfill run its days in order; it is still in beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*backfill_policy.*")

FIRST_DAY = "2024-01-01"

snapshot_days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY)

# Days run one after the other: incremental extraction and ageing both look at the day before.
one_day_at_a_time = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)

# A night begins at 02:00; people look at 07:00, and what is not new by then is stale in the UI.
in_the_morning = dg.FreshnessPolicy.cron(
    deadline_cron="0 7 * * *", lower_bound_delta=dt.timedelta(hours=5)
)
