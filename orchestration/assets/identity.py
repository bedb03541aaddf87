"""Who is the same customer: resolved in Python between the two halves of the dbt project."""

import datetime as dt

import dagster as dg

from orchestration.partitions import one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.identity.crosswalk import resolve
from reconcilers.state.registry import add_assignments, load_registry

CROSSWALK = dg.AssetKey(["identity", "crosswalk"])


@dg.asset(
    key=CROSSWALK,
    deps=[dg.AssetKey(["identity", "identity_records"])],
    group_name="identity",
    kinds={"python", "duckdb"},
    owners=["team:revenue-operations"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def crosswalk(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """Every record of every system with its canonical customer, method and confidence."""
    day = dt.date.fromisoformat(context.partition_key)
    with night.state() as state, night.warehouse(read_only=False) as con:
        result = resolve(con, night.settings.overrides_path, load_registry(state), day)
        add_assignments(state, result.new_assignments)
    summary = result.summary
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": summary.records,
            "customers": summary.customers,
            "by_method": dg.MetadataValue.json(dict(summary.by_method)),
            "dangling cross-references": summary.dangling_xrefs,
            "contradictory cross-references": summary.contradictory_xrefs,
        }
    )


assets = [crosswalk]
