"""The one partition set: a day D is what the systems held at its end, in UTC."""

import warnings

import dagster as dg

# The backfill policy of assets is what makes a backfill run its days in order; it is still in beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*backfill_policy.*")

FIRST_DAY = "2024-01-01"

snapshot_days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY)

# Days run one after the other: incremental extraction and ageing both look at the day before.
one_day_at_a_time = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)
