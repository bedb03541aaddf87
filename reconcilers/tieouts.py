"""The proof that a night is complete: totals on two sides, and what explains their difference.

TO-EXT   per object: source count = landed + quarantined + what CTL-CNT-01 reports; landed = staged;
         per currency where the source totals amounts: its total = what was staged;
         per entity and currency: staged = canonical + left out for a stated reason.
TO-DISP  per side of a comparison: rows and money have one disposition, and each record has one row.
TO-INV   per legal entity, currency and period: billing's invoices against the ledger's; so are
         TO-CRN, TO-CASH, TO-BANK, TO-TAX, TO-REV, TO-JE and TO-CON of what they name.
TO-AR    opening + movements = closing, month by month, of receivables; so do TO-TAX, TO-DEF,
         TO-UNB, TO-MRR and TO-PSP.
TO-EXC   exceptions: opening + detected + re-opened - resolved = closing = what tonight found.
TO-OUT   corrections: planned = open + closed.
TO-USG   per meter: units metered = billed + unbilled + voided + missed + unassigned.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pandera.polars as pa
import polars as pl

from reconcilers import engine
from reconcilers.entity_sums import EntitySum
from reconcilers.findings import UNEXPLAINED, Findings
from reconcilers.rules.comparison import COMPARISONS, CONTROL, Comparison, Population
from reconcilers.state.store import State
from reconcilers.tieout_balances import BALANCES, Balance, balance_lines
from reconcilers.tieout_bridges import BRIDGES, bridge_lines
from reconcilers.tieout_entities import ENTITY_SUMS, entity_lines
from reconcilers.tieout_extraction import extraction_lines
from reconcilers.tieout_state import state_lines
from reconcilers.tieout_usage import usage_lines

CODES = (
    "TO-EXT",
    "TO-DISP",
    "TO-USG",
    "TO-EXC",
    "TO-OUT",
    *dict.fromkeys(each.code for each in (*BRIDGES, *BALANCES)),
)

TIEOUTS = pa.DataFrameSchema(
    {
        "snapshot_date": pa.Column(pl.Date),
        "code": pa.Column(pl.String, pa.Check.isin(CODES)),
        "scope": pa.Column(pl.String),
        "currency": pa.Column(pl.String, nullable=True),
        "period": pa.Column(pl.String, nullable=True),
        "left_label": pa.Column(pl.String),
        "left_rows": pa.Column(pl.Int64, nullable=True),  # null: the side states no count
        "left_minor": pa.Column(pl.Int64),
        "right_label": pa.Column(pl.String),
        "right_rows": pa.Column(pl.Int64),
        "right_minor": pa.Column(pl.Int64),
        "matched_minor": pa.Column(pl.Int64),
        "explained_minor": pa.Column(pl.Int64),
        "unexplained_rows": pa.Column(pl.Int64),
        "unexplained_minor": pa.Column(pl.Int64),
        "holds": pa.Column(pl.Boolean),
        "detail": pa.Column(pl.String),
    },
    strict=True,
    ordered=True,
    unique=["code", "scope", "currency", "period"],
)

Line = Mapping[str, Any]


def build_tieouts(
    con: duckdb.DuckDBPyConnection,
    findings: Findings,
    snapshot_date: date,
    *,
    state: State | None = None,
    reporting_currency: str = "USD",
    sums: Sequence[EntitySum] = ENTITY_SUMS,
    balances: Sequence[Balance] = BALANCES,
) -> pl.DataFrame:
    """The tie-outs of the night, written to reconciliation.tieouts in place of what stood there.

    TO-EXC and TO-OUT are there if the state store is, after the night's exceptions are recorded.
    Raises WarehouseBuiltForAnotherDay. A tie-out that does not hold is a row, not an exception.
    """
    engine.require_built_for(con, snapshot_date)
    exponents = dict(con.sql("select currency, exponent from seeds.currencies").fetchall())
    lines = [
        *extraction_lines(con, findings.drift),
        *entity_lines(con, sums),
        *_dispositions(con, findings),
        *bridge_lines(con, findings, exponents),
        *balance_lines(con, findings, exponents, balances),
        *usage_lines(con),
    ]
    if state is not None:
        lines += state_lines(state, snapshot_date, findings.drift, reporting_currency, exponents)
    schema = {name: column.dtype.type for name, column in TIEOUTS.columns.items()}
    empty = {"left_minor": 0, "right_minor": 0, "matched_minor": 0, "explained_minor": 0}
    dated = {
        "snapshot_date": snapshot_date,
        "currency": None,
        "period": None,
        "unexplained_minor": 0,
    }
    rows = [{**empty, **dated, **line} for line in lines]
    frame = TIEOUTS.validate(
        pl.DataFrame(rows, schema=schema).sort("code", "scope", "currency", "period")
    )
    engine.replace_table(con, "reconciliation.tieouts", frame)
    return frame


def _dispositions(con: duckdb.DuckDBPyConnection, findings: Findings) -> Iterator[Line]:
    for comparison in COMPARISONS:
        if comparison.name not in findings.evaluated or comparison.name == CONTROL.name:
            continue
        populations = dict(comparison.populations)
        for side in comparison.sides:
            population = populations.get(side)
            if population is not None:
                yield _records(con, comparison, side, population)
            yield from _rows(con, findings, comparison, side, population)


def _records(
    con: duckdb.DuckDBPyConnection, comparison: Comparison, side: str, population: Population
) -> Line:
    """Every record of the population stands on exactly one row of the comparison."""
    once, apart, total = con.sql(
        f"""
        with records as (select source_id as id, count(*) as n from {population.table} group by 1),
        placed as (
            select {side}_id as id, count(*) as n
            from {comparison.pairs} where has_{side} group by 1
        )
        select
            count(*) filter (where records.n = 1 and placed.n = 1),
            coalesce(sum(abs(coalesce(records.n, 0) - coalesce(placed.n, 0))), 0)::bigint,
            coalesce(sum(records.n), 0)::bigint
        from records full join placed using (id)
        """
    ).fetchall()[0]
    return {
        "code": "TO-DISP",
        "scope": f"{comparison.name}/{side}/records",
        "left_label": population.table,
        "left_rows": total,
        "right_label": "records on exactly one row",
        "right_rows": once,
        "unexplained_rows": apart,
        "holds": apart == 0,
        "detail": f"{apart} records stand on no row or on more than one" if apart else "",
    }


def _rows(
    con: duckdb.DuckDBPyConnection,
    findings: Findings,
    comparison: Comparison,
    side: str,
    population: Population | None,
) -> Iterator[Line]:
    """Per currency, the side's rows and money against the sum of their dispositions."""
    label = f"comparison.{comparison.name}"
    if population is not None and population.amount is not None:
        label = population.table
        totals = _totals(con, label, population.amount, "true")
    else:
        totals = _totals(con, label, f"{side}_amount_minor", f"has_{side}")
    disposed = _by_currency(findings.dispositions, comparison.name, side)
    for currency in sorted({*totals, *disposed}, key=str):
        rows, minor = totals.get(currency, (0, 0))
        placed = disposed.get(currency, [])
        known = [each for each in placed if each["disposition"] != UNEXPLAINED]
        matched = sum(each["amount_minor"] for each in known if each["disposition"] == "matched")
        placed_minor = sum(each["amount_minor"] for each in known)
        placed_rows = sum(each["rows"] for each in known)
        yield {
            "code": "TO-DISP",
            "scope": f"{comparison.name}/{side}",
            "currency": currency,
            "left_label": label,
            "left_rows": rows,
            "left_minor": minor,
            "right_label": "disposed",
            "right_rows": placed_rows,
            "right_minor": placed_minor,
            "matched_minor": matched,
            "explained_minor": placed_minor - matched,
            "unexplained_rows": abs(rows - placed_rows),
            "unexplained_minor": minor - placed_minor,
            "holds": (rows, minor) == (placed_rows, placed_minor),
            "detail": ", ".join(f"{each['disposition']} {each['rows']}" for each in placed),
        }


def _totals(
    con: duckdb.DuckDBPyConnection, table: str, amount: str, condition: str
) -> dict[str | None, tuple[int, int]]:
    rows = con.sql(
        f"select currency, count(*), coalesce(sum({amount}), 0)::bigint from {table} "
        f"where {condition} group by currency"
    ).fetchall()
    return {currency: (count, minor) for currency, count, minor in rows}


def _by_currency(
    dispositions: pl.DataFrame, comparison: str, side: str
) -> dict[str | None, list[Line]]:
    of_side = dispositions.filter(pl.col("comparison") == comparison, pl.col("side") == side)
    found: dict[str | None, list[Line]] = {}
    for row in of_side.sort("disposition").iter_rows(named=True):
        found.setdefault(row["currency"], []).append(row)
    return found
