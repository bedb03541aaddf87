"""TO-INV: billing's invoices against the ledger's, month by month, and what explains the gap."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from reconcilers.findings import EXCLUDED, UNEXPLAINED, Findings

INVOICES = "cmp_invoice__billing_vs_erp"

Line = Mapping[str, Any]
_Key = tuple[str | None, str | None, str]  # legal entity, currency, period


def invoice_lines(con: duckdb.DuckDBPyConnection, findings: Findings) -> Iterator[Line]:
    """A line of TO-INV per entity, currency and period of either side.

    An invoice counts in the period of its own side; a draft has none and is no invoice yet.
    """
    if INVOICES not in findings.evaluated:
        return
    of_invoices = findings.cells.filter(pl.col("comparison") == INVOICES)
    billed = _by_period(con, "conformed.invoice__billing")
    posted = _by_period(con, "conformed.invoice__erp")
    left = _placed(of_invoices, "left", "right")
    right = _placed(of_invoices, "right", "left")
    for key in sorted({*billed, *posted, *left, *right}, key=str):
        yield _invoice_line(key, billed, posted, (left.get(key, []), right.get(key, [])))


def _by_period(con: duckdb.DuckDBPyConnection, table: str) -> dict[_Key, tuple[int, int]]:
    rows = con.sql(
        f"select legal_entity, currency, period, count(*), coalesce(sum(total_minor), 0)::bigint "
        f"from {table} where period is not null group by all"
    ).fetchall()
    return {(entity, currency, period): (n, minor) for entity, currency, period, n, minor in rows}


def _placed(cells: pl.DataFrame, end: str, other: str) -> dict[_Key, list[Line]]:
    """The side's rows by entity, currency and period: matched, or what explains them."""
    is_elsewhere = pl.col(f"{end}_period").ne_missing(pl.col(f"{other}_period"))
    is_matched = pl.col("disposition") == "matched"
    told = pl.when(is_matched & is_elsewhere).then(pl.lit("other_period")).otherwise("disposition")
    grouped = (
        cells.filter(pl.col(f"has_{end}"), pl.col(f"{end}_period").is_not_null())
        .with_columns(told.alias("told"))
        .group_by("legal_entity", f"{end}_currency", f"{end}_period", "told")
        .agg(pl.col("rows").sum(), pl.col(f"{end}_minor").sum().alias("minor"))
        .sort("told")
    )
    found: dict[_Key, list[Line]] = {}
    for entity, currency, period, name, rows, minor in grouped.iter_rows():
        line = {"told": name, "rows": rows, "minor": minor}
        found.setdefault((entity, currency, period), []).append(line)
    return found


def _invoice_line(
    key: _Key,
    billed: Mapping[_Key, tuple[int, int]],
    posted: Mapping[_Key, tuple[int, int]],
    placed: tuple[Sequence[Line], Sequence[Line]],
) -> Line:
    entity, currency, period = key
    left_rows, left_minor = billed.get(key, (0, 0))
    right_rows, right_minor = posted.get(key, (0, 0))
    left, right = ([each for each in side if each["told"] != UNEXPLAINED] for side in placed)
    open_left = left_minor - _sum(left, "minor")
    open_right = right_minor - _sum(right, "minor")
    rows_apart = abs(left_rows - _sum(left, "rows")) + abs(right_rows - _sum(right, "rows"))
    matched = _sum([each for each in left if each["told"] == "matched"], "minor")
    return {
        "code": "TO-INV",
        "scope": entity or "no legal entity",
        "currency": currency,
        "period": period,
        "left_label": "billing",
        "left_rows": left_rows,
        "left_minor": left_minor,
        "right_label": "ledger",
        "right_rows": right_rows,
        "right_minor": right_minor,
        "matched_minor": matched,
        "explained_minor": _sum(left, "minor") - _sum(right, "minor"),
        "unexplained_rows": rows_apart,
        "unexplained_minor": open_left - open_right,
        "holds": (rows_apart, open_left, open_right) == (0, 0, 0),
        "detail": _invoice_detail(left, right),
    }


def _sum(lines: Sequence[Line], name: str) -> int:
    return int(sum(line[name] for line in lines))


def _invoice_detail(left: Sequence[Line], right: Sequence[Line]) -> str:
    named = (("billing", left), ("ledger", right))
    return ", ".join(
        f"{side} {str(line['told']).removeprefix(EXCLUDED)} {line['rows']}"
        for side, lines in named
        for line in lines
        if line["told"] != "matched"
    )
