"""The morning after: the report, the CSV and the summary of a night."""

from dataclasses import asdict

import dagster as dg

from orchestration.alerting import tell
from orchestration.assets.corrections import PLAN
from orchestration.assets.reconciliation import DISPOSITIONS, DRIFT, EXCEPTIONS, TIEOUTS
from orchestration.kpis import keep_kpis, typed_metadata
from orchestration.night_report import write_night_report
from orchestration.partitions import day_of, in_the_morning, one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from orchestration.sending import business_clock

KPIS = dg.AssetKey(["reporting", "kpis"])
REPORT = dg.AssetKey(["reporting", "nightly_report"])
ALERTS = dg.AssetKey(["reporting", "alerts"])


_MEASURED = [
    dg.AssetKey(["reporting", f"rpt_kpi_{name}"])
    for name in (
        "card_disputes",
        "events",
        "latencies",
        "ledger_coverage",
        "receivables",
        "revenue_lineage",
    )
]


@dg.asset(
    key=KPIS,
    deps=[DRIFT, DISPOSITIONS, EXCEPTIONS, TIEOUTS, *_MEASURED],
    group_name="reporting",
    kinds={"python", "sqlite"},
    owners=["team:finance-systems"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def kpis(context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]) -> dg.MaterializeResult:
    """Key figures of the night, kept in the state store: docs/kpis.md says what each means."""
    figures, exponent = keep_kpis(night.settings, day_of(context.partition_key))
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(figures), **typed_metadata(figures, exponent)}
    )


@dg.asset(
    key=REPORT,
    freshness_policy=in_the_morning,
    deps=[PLAN, KPIS],
    group_name="reporting",
    kinds={"html", "csv"},
    owners=["team:finance-systems"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def nightly_report(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """Verdict, tie-outs, money at risk, exceptions and corrections of the night."""
    day = day_of(context.partition_key)
    files = write_night_report(night.settings, day)
    return dg.MaterializeResult(
        metadata={
            "night": dg.MetadataValue.md(files.markdown.read_text(encoding="utf-8")),
            **{name: dg.MetadataValue.path(path) for name, path in asdict(files).items()},
        }
    )


@dg.asset(
    key=ALERTS,
    deps=[REPORT],
    group_name="reporting",
    kinds={"webhook"},
    owners=["team:finance-systems"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    check_specs=[
        dg.AssetCheckSpec("taken", asset=ALERTS, description="Every address took what it was told.")
    ],
)
def alerts(night: dg.ResourceParam[Night]) -> dg.MaterializeResult:
    """What people have to hear of at once, each thing once. No night fails for it."""
    done = tell(night.settings, business_clock(night.settings)())
    return dg.MaterializeResult(
        metadata={
            "told": "\n".join(alert.title for alert in done.told),
            "without an address": len(done.unaddressed),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="taken",
                passed=not done.lost,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"not taken": ", ".join(alert.key for alert in done.lost)},
            )
        ],
    )


assets = [kpis, nightly_report, alerts]
