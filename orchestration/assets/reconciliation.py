"""What is wrong, and the proof that nothing was left out.

Drift never fails a run: it is a row, and a WARN on its code's check. A tie-out that breaks stops
everything behind it.
"""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import polars as pl

from orchestration.checks import CODE_CHECKS, TIEOUT_CHECKS, code_results, tieout_results
from orchestration.partitions import one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.corrections.policy import load_policy
from reconcilers.engine import collect, lazy
from reconcilers.evaluate import evaluate
from reconcilers.exceptions import record_night
from reconcilers.findings import CELLS, Findings, empty
from reconcilers.matrix import load_matrix
from reconcilers.rules.catalogue import all_rules
from reconcilers.rules.comparison import COMPARISONS
from reconcilers.state.tieouts import record_tieouts
from reconcilers.tieouts import build_tieouts

DRIFT = dg.AssetKey(["reconciliation", "drift"])
DISPOSITIONS = dg.AssetKey(["reconciliation", "dispositions"])
TIEOUTS = dg.AssetKey(["reconciliation", "tieouts"])
EXCEPTIONS = dg.AssetKey(["reconciliation", "exceptions"])

_VIEWS = [dg.AssetKey(["comparison", comparison.name]) for comparison in COMPARISONS]


def _spec(key: dg.AssetKey, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=key,
        deps=_VIEWS,
        group_name="reconciliation",
        kinds={"narwhals", "duckdb"},
        owners=["team:finance-systems"],
        description=description,
    )


@dg.multi_asset(
    name="reconcile",
    specs=[
        _spec(DRIFT, "Every disagreement between two systems, by catalogue code, with its money."),
        _spec(DISPOSITIONS, "Where each row of each side went: matched, in flight, exception, ..."),
        _spec(TIEOUTS, "TO-EXT, TO-DISP and TO-INV: both sides' totals and what explains the gap."),
    ],
    check_specs=[*CODE_CHECKS, *TIEOUT_CHECKS],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def reconcile(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    day = dt.date.fromisoformat(context.partition_key)
    rules = all_rules(load_matrix(night.settings.matrix_path), day)
    with night.warehouse(read_only=False) as con:
        findings = evaluate(con, rules, day)
        tieouts = build_tieouts(con, findings, day)
    with night.state() as state:
        record_tieouts(state, day, tieouts)
    yield dg.MaterializeResult(asset_key=DRIFT, metadata=_drift_metadata(findings.drift))
    yield dg.MaterializeResult(
        asset_key=DISPOSITIONS, metadata={"dagster/row_count": findings.dispositions.height}
    )
    yield dg.MaterializeResult(
        asset_key=TIEOUTS,
        metadata={
            "dagster/row_count": tieouts.height,
            "broken": tieouts.filter(~pl.col("holds")).height,
        },
    )
    yield from code_results(findings.drift)
    yield from tieout_results(tieouts)


def _drift_metadata(drift: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    by_code = (
        drift.filter(pl.col("disposition") == "exception")
        .group_by("code")
        .agg(pl.len().alias("rows"), pl.col("impact_reporting_minor").abs().sum().alias("minor"))
        .sort("code")
    )
    lines = ["| code | exceptions | at risk, USD |", "|---|---:|---:|"]
    lines += [f"| {code} | {rows} | {minor / 100:,.2f} |" for code, rows, minor in by_code.rows()]
    return {
        "dagster/row_count": dg.MetadataValue.int(drift.height),
        "by code": dg.MetadataValue.md("\n".join(lines)),
    }


def stored_findings(night: Night, day: dt.date) -> Findings:
    """What `reconcile` wrote to the warehouse."""
    with night.warehouse() as con:
        return Findings(
            snapshot_date=day,
            drift=collect(lazy(con, "reconciliation.drift")),
            dispositions=collect(lazy(con, "reconciliation.dispositions")),
            guard=collect(lazy(con, "reconciliation.rule_guard")),
            cells=empty(CELLS),
        )


@dg.asset(
    key=EXCEPTIONS,
    deps=[DRIFT, TIEOUTS],
    group_name="reconciliation",
    kinds={"python", "sqlite"},
    owners=["team:finance-systems"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def exceptions(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """Each drift as one exception over all nights: opened, ageing, resolved, reopened."""
    day = dt.date.fromisoformat(context.partition_key)
    with night.warehouse() as con:
        drift = collect(lazy(con, "reconciliation.drift"))
        watermarks = dict(
            con.sql("select system || '.' || object, watermark_at from raw.snapshots").fetchall()
        )
    with night.state() as state:
        summary = record_night(
            state,
            day,
            drift,
            context.run_id,
            watermarks={name: at.replace(tzinfo=dt.UTC) for name, at in watermarks.items()},
            policy=load_policy(night.settings.policy_path),
        )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": summary.open_now,
            "opened": summary.opened,
            "reopened": summary.reopened,
            "resolved by themselves": summary.resolved_self,
            "resolved by a verified correction": summary.resolved_verified,
        }
    )


assets = [reconcile, exceptions]
