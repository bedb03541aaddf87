"""The jobs: `nightly` and `replay` reason, `dispatch` is the only one that writes to sources."""

import dagster as dg

from extractors.registry import READ
from orchestration.failures import say_what_failed, say_what_was_not_sent
from orchestration.partitions import snapshot_days

EXCEPTIONS = dg.AssetSelection.assets(dg.AssetKey(["reconciliation", "exceptions"]))
ATTEMPTS = dg.AssetSelection.assets(dg.AssetKey(["corrections", "attempts"]))

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all() - ATTEMPTS,
    partitions_def=snapshot_days,
    executor_def=dg.in_process_executor,
    hooks={say_what_failed},
    description="One night: extract, build, reconcile, plan corrections, report. Writes nowhere.",
)

dispatch = dg.define_asset_job(
    "dispatch",
    selection=ATTEMPTS,
    executor_def=dg.in_process_executor,
    hooks={say_what_was_not_sent},
    description="Send the approved corrections to their source systems.",
)

replay = dg.define_asset_job(
    "replay",
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.groups(*(f"raw_{system}" for system in READ))
    - EXCEPTIONS.downstream(include_self=False),
    partitions_def=snapshot_days,
    executor_def=dg.in_process_executor,
    hooks={say_what_failed},
    description="A stored night up to its exceptions, from the raw zone alone.",
)

jobs = [nightly, dispatch, replay]
