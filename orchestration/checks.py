"""The checks of a night: one WARN per drift code, one blocking ERROR per tie-out."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl

from orchestration.console import money
from reconcilers.report.files import CLASSES
from reconcilers.rules.codes import CODES

DRIFT = dg.AssetKey(["reconciliation", "drift"])
TIEOUTS = dg.AssetKey(["reconciliation", "tieouts"])
SHOWN = 20

TIEOUT_CODES = {
    "TO-EXT": "source totals = landed + quarantined + reported as missing; landed = staged; "
    "per entity and currency, staged = canonical + left out for a stated reason",
    "TO-DISP": "each row of each side has exactly one disposition, and the money adds up",
    "TO-USG": "metered usage = billed + unbilled + what no invoice bills",
    "TO-EXC": "exceptions: opening + detected + re-opened - resolved = closing = found tonight",
    "TO-OUT": "corrections: planned = open + closed, each for a known exception",
    "TO-CON": "contracted monthly recurring amounts = billed ones + exceptions + excluded",
    "TO-INV": "invoices finalized in billing = ERP invoices + in flight + exceptions + excluded",
    "TO-CRN": "credit notes of billing, and what of them is applied, = the ERP's + explained",
    "TO-CASH": "payments, their applications, refunds and disputes of the processor = the ERP's",
    "TO-BANK": "payouts paid = ERP deposits, and = bank lines, + in flight + exceptions + excluded",
    "TO-TAX": "tax billed = tax posted + exceptions + excluded; of documents = of its account",
    "TO-AR": "opening + invoices - credits - cash + refunds = closing = control account = billing",
    "TO-DEF": "opening + billings - credits - recognised = accounts of deferred revenue",
    "TO-UNB": "opening + used - billed = use not billed yet, by the meter and by billing",
    "TO-MRR": "opening + new + expansion + ... - churn = closing = what billing sells today",
    "TO-PSP": "opening + charges - refunds - fees - disputes - payouts = clearing account",
    "TO-REV": "revenue recomputed from policy = posted plan lines + exceptions + excluded",
    "TO-JE": "events that must post = posted ones + in flight + exceptions + excluded",
}


def check_name(code: str) -> str:
    return code.lower().replace("-", "_")


CODE_CHECKS = [
    dg.AssetCheckSpec(check_name(code), asset=DRIFT, description=f"{code}: {title}")
    for code, title in CODES.items()
]
TIEOUT_CHECKS = [
    dg.AssetCheckSpec(
        check_name(code), asset=TIEOUTS, blocking=True, description=f"{code}: {title}"
    )
    for code, title in TIEOUT_CODES.items()
]
STATEMENTS_CHECK = dg.AssetCheckSpec(
    "bank_statements",
    asset=DRIFT,
    description="Bank statements follow each other without gap or overlap, and none is held back.",
)
_STATEMENTS_AMISS = """
    select account || ', ' || number || ' from ' || cast(from_date as varchar) || ': ' || continuity
    from conformed.statement__bank where continuity in ('gap', 'overlap')
    union all
    select 'held back: ' || key || ': ' || reason from raw.open_quarantine where system = 'bank'
    order by 1
"""


def statements_result(con: duckdb.DuckDBPyConnection) -> dg.AssetCheckResult:
    """Passed when the statements that were read leave no day out; also where none were."""
    amiss = [told for (told,) in con.sql(_STATEMENTS_AMISS).fetchall()]
    return dg.AssetCheckResult(
        check_name=STATEMENTS_CHECK.name,
        asset_key=DRIFT,
        passed=not amiss,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"count": len(amiss), "first": dg.MetadataValue.json(amiss[:20])},
    )


def code_results(drift: pl.DataFrame, report: Path) -> Iterator[dg.AssetCheckResult]:
    """Passed when the code has no exception tonight, and none that only could not be proven.

    `report` is the folder that the night's report will be in: its table of the code is named.
    """
    for code in CODES:
        found = drift.filter((pl.col("code") == code) & (pl.col("disposition") != "in_flight"))
        rows = found.filter(pl.col("disposition") == "exception")
        yield dg.AssetCheckResult(
            check_name=check_name(code),
            asset_key=DRIFT,
            passed=found.is_empty(),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "exceptions": rows.height,
                "unproven": found.height - rows.height,
                "at risk, minor units of the reporting currency": int(
                    rows["impact_reporting_minor"].abs().sum() or 0
                ),
                "dearest rows": dg.MetadataValue.md(_dearest(found)),
                "all rows": dg.MetadataValue.path(str(report / CLASSES / f"{code}.csv")),
            },
        )


def _dearest(found: pl.DataFrame) -> str:
    """Which records cost most; of them ids alone."""
    rows = found.sort(pl.col("impact_reporting_minor").abs(), descending=True, nulls_last=True)
    lines = ["| row | attribute | disposition | at risk |", "|---|---|---|---:|"]
    columns = ("row_key", "attribute", "disposition", "impact_reporting_minor")
    lines += [
        f"| {key} | {attribute or ''} | {disposition} | {money(minor)} |"
        for key, attribute, disposition, minor in rows.head(SHOWN).select(columns).iter_rows()
    ]
    return "\n".join(lines)


def tieout_results(tieouts: pl.DataFrame) -> Iterator[dg.AssetCheckResult]:
    """Passed when each line of the tie-out holds; the broken lines are named."""
    for code in TIEOUT_CODES:
        lines = tieouts.filter(pl.col("code") == code)
        broken = lines.filter(~pl.col("holds"))
        yield dg.AssetCheckResult(
            check_name=check_name(code),
            asset_key=TIEOUTS,
            passed=broken.is_empty(),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "lines": lines.height,
                "broken": dg.MetadataValue.json(broken.select("scope", "detail").head(20).rows()),
            },
        )
