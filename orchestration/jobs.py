"""The jobs: `nightly` and `replay` reason, `dispatch` is the only one that writes to sources."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from extractors.registry import READ
from orchestration.alerting import tell
from orchestration.failures import say_what_failed, say_what_was_not_sent
from orchestration.partitions import companies_alone
from orchestration.sending import business_clock
from orchestration.settings import Settings

EXCEPTIONS = dg.AssetSelection.assets(dg.AssetKey(["reconciliation", "exceptions"]))
ATTEMPTS = dg.AssetSelection.assets(dg.AssetKey(["corrections", "attempts"]))

# Who follows the steps makes spans of them; the console is Dagster's own default.
LOGGERS: dict[str, Any] = {"loggers": {"console": {}, "progress": {}}}

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all() - ATTEMPTS,
    executor_def=dg.in_process_executor,
    config=LOGGERS,
    hooks={say_what_failed},
    description="One night: extract, build, reconcile, plan corrections, report. Writes nowhere.",
)

dispatch = dg.define_asset_job(
    "dispatch",
    selection=ATTEMPTS,
    executor_def=dg.in_process_executor,
    config=LOGGERS,
    hooks={say_what_was_not_sent},
    description="Send the approved corrections to their source systems.",
)

replay = dg.define_asset_job(
    "replay",
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.groups(*(f"raw_{system}" for system in READ))
    - EXCEPTIONS.downstream(include_self=False),
    executor_def=dg.in_process_executor,
    config=LOGGERS,
    hooks={say_what_failed},
    description="A stored night up to its exceptions, from the raw zone alone.",
)


@dg.op(description="Alerts, and that a night was missed.")
def tell_what_stands(settings: dg.ResourceParam[Settings]) -> None:
    tell(settings, business_clock(settings)())


def watch_of(companies: Sequence[str]) -> dg.JobDefinition:
    """The job `watch`, a run of which is one company's."""

    @dg.job(
        executor_def=dg.in_process_executor,
        partitions_def=companies_alone(companies),
        description="Tell what people have to hear of.",
    )
    def watch() -> None:
        tell_what_stands()

    return watch
