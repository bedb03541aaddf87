"""The two jobs: `nightly` reads and reasons, `dispatch` is the only one that writes to sources."""

import dagster as dg

from orchestration.failures import say_what_failed, say_what_was_not_sent
from orchestration.partitions import snapshot_days

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

jobs = [nightly, dispatch]
