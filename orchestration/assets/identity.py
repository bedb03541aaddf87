"""Who is the same customer: resolved between the two halves of the dbt project."""

from functools import partial
from typing import Any

import dagster as dg

from orchestration.identity_checks import CHECKS, CROSSWALK, is_held, results
from orchestration.partitions import day_of, one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.identity import CrosswalkSummary, resolve
from reconcilers.identity.tables import publish_aliases
from reconcilers.state.registry import load_aliases, load_registry, record_identities


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
    check_specs=CHECKS,
)
def crosswalk(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """Every record of every system with its canonical customer, method and confidence."""
    day = day_of(context.partition_key)
    settings = night.settings
    with night.state() as state, night.warehouse(read_only=False) as con:
        result = resolve(
            con,
            settings.overrides_path,
            load_registry(state, day),
            day,
            holds=partial(is_held, most_changed=settings.identity_max_changed),
        )
        if not result.is_held:
            record_identities(state, day, result.history)
            publish_aliases(con, load_aliases(state), result.placed)
    return dg.MaterializeResult(
        metadata=told(result.summary),
        check_results=list(results(result.summary, settings.identity_max_changed)),
    )


def told(summary: CrosswalkSummary) -> dict[str, Any]:
    """What the Dagster UI shows of the night; counts only, nothing personal."""
    measures = summary.measures
    return {
        "dagster/row_count": summary.records,
        "customers": summary.customers,
        "by_method": dg.MetadataValue.json(dict(summary.by_method)),
        "by_band": dg.MetadataValue.json(dict(summary.by_band)),
        "dangling cross-references": measures.dangling_xrefs,
        "contradicted cross-references": measures.contradicted_xrefs,
        "recall of masked references": 1.0
        if measures.masked_recall is None
        else measures.masked_recall,
        "questions to stewards": measures.queue,
        "blocking keys dropped": measures.dropped_keys,
        "tax ids, domains, phones of too many": dg.MetadataValue.json(
            [measures.generic_tax_ids, measures.generic_domains, measures.generic_phones]
        ),
        "rings of parents": measures.rings,
        "customers with two parents": measures.two_parents,
        "expired decisions of stewards": summary.expired_overrides,
    }


assets = [crosswalk]
