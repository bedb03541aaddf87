"""The one partition set: a day D is what the systems held at its end, in UTC.

Where a deployment has several companies it is a company and a day, `acme|2026-06-30`; what has no
day is of a company alone. Which of them a run is for is read here, and nowhere else.
"""

import datetime as dt
import warnings
from collections.abc import Mapping, Sequence

import dagster as dg

# The backfill policy of assets is what makes a backfill run its days in order; it is still in beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*backfill_policy.*")

FIRST_DAY = "2024-01-01"

snapshot_days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY)

# By one of them a run knows its partition: the second is of runs of a backfill.
PARTITION_TAGS = ("dagster/partition", "dagster/asset_partition_range_start")

# Days run one after the other: incremental extraction and ageing both look at the day before.
one_day_at_a_time = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)

# A night begins at 02:00; people look at 07:00, and what is not new by then is stale in the UI.
in_the_morning = dg.FreshnessPolicy.cron(
    deadline_cron="0 7 * * *", lower_bound_delta=dt.timedelta(hours=5)
)


def nights_of(companies: Sequence[str]) -> dg.PartitionsDefinition:
    """Every night that can be."""
    names = companies_alone(companies)
    if names is None:
        return snapshot_days
    return dg.MultiPartitionsDefinition({"company": names, "day": snapshot_days})


def companies_alone(companies: Sequence[str]) -> dg.StaticPartitionsDefinition | None:
    """What is a company's on any day; None where there is no choice."""
    return dg.StaticPartitionsDefinition([*companies]) if companies else None


def night_key(company: str, day: dt.date) -> str:
    """The partition of a night."""
    if not company:
        return day.isoformat()
    return dg.MultiPartitionKey({"company": company, "day": day.isoformat()})


def day_of(key: str) -> dt.date:
    """The day of the night with this partition key."""
    return dt.date.fromisoformat(key.rpartition("|")[2])


def key_of(tags: Mapping[str, str]) -> str:
    """The partition key of a run with these tags, '' of one without a partition."""
    return next((tags[name] for name in PARTITION_TAGS if name in tags), "")


def company_of(tags: Mapping[str, str]) -> str:
    """The company that a run with these tags is for, '' where the deployment is one company's.

    A key that is no night's is a company, whose name begins with a letter.
    """
    first = key_of(tags).partition("|")[0]
    return "" if first[:1].isdigit() else first


def facts_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Company and night of a run with these tags, as far as it has them."""
    company, day = company_of(tags), key_of(tags).rpartition("|")[2]
    known = {"company": company, "night": "" if day == company else day}
    return {name: value for name, value in known.items() if value}
