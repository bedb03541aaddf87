"""What is wrong, and the proof that nothing was left out.

Drift never fails a run: it is a row, and a WARN on its code's check. A tie-out that breaks stops
what comes behind it, the corrections; the exceptions are recorded all the same.
"""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import duckdb
import polars as pl

from orchestration.checks import (
    AT_RISK,
    CODE_CHECKS,
    STATEMENTS_CHECK,
    TIEOUT_CHECKS,
    Places,
    code_results,
    statements_result,
    tieout_results,
)
from orchestration.partitions import day_of, in_the_morning, one_day_at_a_time, snapshot_days
from orchestration.provenance import keep_provenance
from orchestration.resources import WAREHOUSE_POOL, Night
from orchestration.settings import Settings
from reconcilers.corrections.policy import load_policy
from reconcilers.evaluate import evaluate, load_rates, stored_findings
from reconcilers.exceptions import record_night
from reconcilers.ineffective import ineffective
from reconcilers.matrix import load_matrix
from reconcilers.refolding import unproven_corrections
from reconcilers.rules.catalogue import all_rules
from reconcilers.rules.comparison import COMPARISONS
from reconcilers.state.tieouts import record_tieouts
from reconcilers.tieout_balances import BALANCES
from reconcilers.tieouts import build_tieouts

DRIFT = dg.AssetKey(["reconciliation", "drift"])
DISPOSITIONS = dg.AssetKey(["reconciliation", "dispositions"])
TIEOUTS = dg.AssetKey(["reconciliation", "tieouts"])
EXCEPTIONS = dg.AssetKey(["reconciliation", "exceptions"])

_BALANCES = [dg.AssetKey(["balance", name]) for name in sorted({each.model for each in BALANCES})]
_VIEWS = [dg.AssetKey(["comparison", comparison.name]) for comparison in COMPARISONS]
_MATCHES = [dg.AssetKey(["reconciliation", name]) for name in ("matches", "match_allocations")]


def _spec(key: dg.AssetKey, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=key,
        deps=[*_VIEWS, *_MATCHES],
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
    ],
    check_specs=[*CODE_CHECKS, STATEMENTS_CHECK],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def reconcile(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    day = day_of(context.partition_key)
    rules = all_rules(load_matrix(night.settings.matrix_path), day)
    places = _places(night.settings, day)
    with night.state() as state, state.read() as session:
        taken = unproven_corrections(session)
    with night.warehouse(read_only=False) as con:
        due = ineffective(taken, _watermarks(con))
        rates = load_rates(con, day, places.currency)
        findings = evaluate(con, rules, day, rates=rates, corrections=due)
        statements = statements_result(con)
    yield dg.MaterializeResult(asset_key=DRIFT, metadata=_drift_metadata(findings.drift, places))
    yield dg.MaterializeResult(
        asset_key=DISPOSITIONS,
        metadata={
            "dagster/row_count": findings.dispositions.height,
            "dagster/column_schema": table_schema(findings.dispositions),
        },
    )
    yield from code_results(findings.drift, places)
    yield statements


def _places(settings: Settings, day: dt.date) -> Places:
    return Places(
        settings.report_dir(day),
        settings.review_url,
        load_policy(settings.policy_path).reporting_currency,
        settings.exponents(),
    )


def table_schema(frame: pl.DataFrame) -> dg.TableSchema:
    """Columns and types, as the catalogue of the UI shows them."""
    return dg.TableSchema([dg.TableColumn(name, str(kind)) for name, kind in frame.schema.items()])


def _watermarks(con: duckdb.DuckDBPyConnection) -> dict[str, dt.datetime]:
    """How far each object was read, by its name ('netsuite.transaction')."""
    read = con.sql("select system || '.' || object, watermark_at from raw.snapshots").fetchall()
    return {name: at.replace(tzinfo=dt.UTC) for name, at in read}


def _drift_metadata(drift: pl.DataFrame, places: Places) -> dict[str, dg.MetadataValue]:
    by_code = (
        drift.filter(pl.col("disposition") == "exception")
        .group_by("code")
        .agg(pl.len().alias("rows"), AT_RISK.alias("minor"))
        .sort("code")
    )
    lines = ["| code | exceptions | at risk |", "|---|---:|---:|"]
    lines += [
        f"| {code} | {rows} | {places.money(minor)} |" for code, rows, minor in by_code.rows()
    ]
    return {
        "dagster/row_count": dg.MetadataValue.int(drift.height),
        "dagster/column_schema": dg.MetadataValue.table_schema(table_schema(drift)),
        "by code": dg.MetadataValue.md("\n".join(lines)),
    }


@dg.asset(
    key=EXCEPTIONS,
    deps=[DRIFT],
    freshness_policy=in_the_morning,
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
    day = day_of(context.partition_key)
    with night.warehouse() as con:
        findings = stored_findings(con, day)
        watermarks = _watermarks(con)
    with night.state() as state:
        summary = record_night(
            state,
            day,
            findings.drift,
            context.run_id,
            watermarks=watermarks,
            policy=load_policy(night.settings.policy_path),
        )
        keep_provenance(night.settings, state, day)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": summary.open_now,
            "opened": summary.opened,
            "reopened": summary.reopened,
            "resolved by themselves": summary.resolved_self,
            "resolved by a verified correction": summary.resolved_verified,
        }
    )


@dg.asset(
    key=TIEOUTS,
    deps=[DRIFT, DISPOSITIONS, EXCEPTIONS, *_BALANCES],
    freshness_policy=in_the_morning,
    group_name="reconciliation",
    kinds={"python", "duckdb"},
    owners=["team:finance-systems"],
    check_specs=TIEOUT_CHECKS,
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def tieouts(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """Both sides' totals and what explains the gap between them (docs/tie-outs.md)."""
    day = day_of(context.partition_key)
    places = _places(night.settings, day)
    with night.warehouse(read_only=False) as con, night.state() as state:
        findings = stored_findings(con, day)
        frame = build_tieouts(con, findings, day, state=state, reporting_currency=places.currency)
        record_tieouts(state, day, frame)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": frame.height,
            "dagster/column_schema": table_schema(frame),
            "broken": frame.filter(~pl.col("holds")).height,
        },
        check_results=list(tieout_results(frame, places, day)),
    )


assets = [reconcile, exceptions, tieouts]
