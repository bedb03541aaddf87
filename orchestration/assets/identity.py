"""Who is the same customer: resolved in Python between the two halves of the dbt project."""

import datetime as dt

import dagster as dg

from orchestration.partitions import one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.identity.crosswalk import resolve
from reconcilers.state.registry import load_registry, record_identities

CROSSWALK = dg.AssetKey(["identity", "crosswalk"])


@dg.asset(
    key=CROSSWALK,
    deps=[
        dg.AssetKey(["identity", "identity_records"]),
        dg.AssetKey(["identity", "identity_exposure"]),
    ],
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
        result = resolve(con, night.settings.overrides_path, load_registry(state, day), day)
        record_identities(state, day, result.history)
    summary = result.summary
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": summary.records,
            "customers": summary.customers,
            "by_method": dg.MetadataValue.json(dict(summary.by_method)),
            "dangling cross-references": summary.measures.dangling_xrefs,
            "contradicted cross-references": summary.measures.contradicted_xrefs,
        }
    )


assets = [crosswalk]
