"""Matching where no shared key exists: cash, payouts, journals, and invoices whose keys were lost.

What an automatic pass matches the rules may act on; what is only suggested, and what is left on
either side with its reason, is for people.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
import duckdb

from orchestration.checks import listed
from orchestration.partitions import day_of, one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.match import Pairing, load_pairings, match_warehouse
from reconcilers.match.proof import doubly_matched, over_allocated, unaccounted
from reconcilers.match.warehouse import ALLOCATIONS, MATCHES, RESIDUE, per_pass

_DESCRIPTIONS = {
    MATCHES: "Records that belong together without a shared key, by pass, automatic or suggested.",
    ALLOCATIONS: "How much of which record goes to which, never more than is open on either side.",
    RESIDUE: "What is left on both sides of each pairing, and why.",
}
KEYS = {table: dg.AssetKey(table.split(".")) for table in _DESCRIPTIONS}

_CHECKS = {
    "no_record_is_matched_twice": "A record stands in one match at most.",
    "allocations_stay_within_amounts": "Nothing is allocated beyond what is open on either side.",
    "matched_and_left_over_are_everything": "Matched + residue = population per side and currency.",
}


def _populations() -> list[dg.AssetKey]:
    names = {name for each in load_pairings() for name in (each.left, each.right)}
    return [dg.AssetKey(["matching", name]) for name in sorted(names)]


@dg.multi_asset(
    name="match_records",
    specs=[
        dg.AssetSpec(
            key=key,
            deps=_populations(),
            group_name="reconciliation",
            kinds={"duckdb"},
            owners=["team:finance-systems"],
            description=_DESCRIPTIONS[table],
        )
        for table, key in KEYS.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(name, asset=KEYS[MATCHES], blocking=True, description=description)
        for name, description in _CHECKS.items()
    ],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def match_records(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    pairings = load_pairings(night.settings.passes_path)
    with night.warehouse(read_only=False) as con:
        match_warehouse(con, pairings, day_of(context.partition_key))
        by_pass = {MATCHES: {"by pass": dg.MetadataValue.md(_table(con))}}
        rows = {table: con.sql(f"select count(*) from {table}").fetchall()[0][0] for table in KEYS}
        checks = list(_check_results(con, pairings))
    for table, key in KEYS.items():
        metadata = {"dagster/row_count": rows[table], **by_pass.get(table, {})}
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
    yield from checks


def _check_results(
    con: duckdb.DuckDBPyConnection, pairings: Sequence[Pairing]
) -> Iterator[dg.AssetCheckResult]:
    broken = (
        doubly_matched(con),
        over_allocated(con, pairings),
        unaccounted(con, pairings),
    )
    for name, found in zip(_CHECKS, broken, strict=True):
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key=KEYS[MATCHES],
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"broken": len(found), "first": listed(found)},
        )


def _table(con: duckdb.DuckDBPyConnection) -> str:
    """Counts and money of each pass, and of what was left, per currency."""
    lines = [
        "| pairing | pass | mode | currency | matches | records | minor units |",
        "|---|---|---|---|---:|---:|---:|",
    ]
    lines += [f"| {' | '.join(map(str, line))} |" for line in per_pass(con)]
    return "\n".join(lines)


assets = [match_records]
