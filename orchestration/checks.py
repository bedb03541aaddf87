"""The checks of a night: one WARN per drift code, one blocking ERROR per tie-out."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import duckdb
import polars as pl

from reconcilers.report.amounts import amount
from reconcilers.report.files import CLASSES
from reconcilers.rules.codes import CODES

DRIFT = dg.AssetKey(["reconciliation", "drift"])
TIEOUTS = dg.AssetKey(["reconciliation", "tieouts"])
SHOWN = 20
# Of exceptions; what another one explains is counted there, as in the report.
AT_RISK = pl.col("impact_reporting_minor").filter(pl.col("explained_by").is_null()).abs().sum()

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
        metadata={"count": len(amiss), "first": listed(amiss)},
    )


@dataclass(frozen=True)
class Places:
    """Where people read on from a check of a night, and how money is written for them.

    `report` is the folder that the night's report will be in; `review` the address of the review,
    empty where none is known.
    """

    report: Path
    review: str
    currency: str
    exponents: Mapping[str, int]

    def of_code(self, code: str) -> dict[str, dg.MetadataValue]:
        """The rows of the class as a table, in the report and in the queue."""
        return {
            "rows, CSV": dg.MetadataValue.path(self.report / CLASSES / f"{code}.csv"),
            **self._pages(f"exceptions?code={code}", f"?code={code}"),
        }

    def of_tieouts(self, day: dt.date) -> dict[str, dg.MetadataValue]:
        return self._pages("tieouts", f"tieouts/{day}")

    def _pages(self, anchor: str, path: str) -> dict[str, dg.MetadataValue]:
        # A path, to be copied: no browser follows a link from a page of the web into a file.
        report = f"{(self.report / 'report.html').absolute().as_uri()}#{anchor}"
        pages: dict[str, dg.MetadataValue] = {"rows, report": dg.MetadataValue.path(report)}
        if self.review:
            pages["rows, review"] = dg.MetadataValue.url(f"{self.review}/{path}")
        return pages

    def money(self, minor: int | None) -> str:
        return amount(minor, self.currency, self.exponents)


def listed(found: Iterable[str]) -> dg.MetadataValue:
    """The first of what was found, one a line."""
    return dg.MetadataValue.md("\n".join(f"* {one}" for one in [*found][:SHOWN]) or "none")


def code_results(drift: pl.DataFrame, places: Places) -> Iterator[dg.AssetCheckResult]:
    """Passed when the code has no exception tonight, and none that only could not be proven."""
    for code in CODES:
        found = drift.filter((pl.col("code") == code) & (pl.col("disposition") != "in_flight"))
        rows = found.filter(pl.col("disposition") == "exception")
        risk = int(rows.select(AT_RISK).item() or 0)
        unproven = found.height - rows.height
        told = f"{rows.height} exceptions, {places.money(risk)} at risk"
        yield dg.AssetCheckResult(
            check_name=check_name(code),
            asset_key=DRIFT,
            passed=found.is_empty(),
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{told}; {unproven} unproven" if unproven else told,
            metadata={
                "exceptions": rows.height,
                "unproven": unproven,
                # for the curve; what is exact stands in the rows
                f"at risk, {places.currency}": risk
                / 10 ** places.exponents.get(places.currency, 0),
                "dearest rows": dg.MetadataValue.md(_dearest(found, places)),
                **(places.of_code(code) if rows.height else {}),
            },
        )


def _dearest(found: pl.DataFrame, places: Places) -> str:
    """Which records cost most, each with its page in the review; of them ids alone."""
    rows = found.sort(pl.col("impact_reporting_minor").abs(), descending=True, nulls_last=True)
    lines = ["| row | attribute | disposition | at risk |", "|---|---|---|---:|"]
    columns = ("exception_key", "row_key", "attribute", "disposition", "impact_reporting_minor")
    for key, row, attribute, disposition, minor in rows.head(SHOWN).select(columns).iter_rows():
        has_page = places.review and disposition == "exception"
        name = f"[{row}]({places.review}/exceptions/{quote(key)})" if has_page else row
        lines.append(f"| {name} | {attribute or ''} | {disposition} | {places.money(minor)} |")
    return "\n".join(lines)


def tieout_results(
    tieouts: pl.DataFrame, places: Places, day: dt.date
) -> Iterator[dg.AssetCheckResult]:
    """Passed when each line of the tie-out holds; the broken lines are named."""
    for code in TIEOUT_CODES:
        lines = tieouts.filter(pl.col("code") == code)
        broken = lines.filter(~pl.col("holds")).select("scope", "detail")
        yield dg.AssetCheckResult(
            check_name=check_name(code),
            asset_key=TIEOUTS,
            passed=broken.is_empty(),
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{broken.height} of {lines.height} lines do not hold",
            metadata={
                "lines": lines.height,
                "broken": listed(f"{scope}: {detail}" for scope, detail in broken.iter_rows()),
                **places.of_tieouts(day),
            },
        )
