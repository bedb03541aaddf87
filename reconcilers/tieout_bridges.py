"""Bridges: the totals of two sides per entity, currency and month, and what explains their gap."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import polars as pl

from reconcilers.findings import EXCLUDED, UNEXPLAINED, Findings
from reconcilers.report.amounts import amount

TOLERATED = "within_tolerance"

Line = Mapping[str, Any]
_Key = tuple[str | None, str | None, str | None]  # legal entity, currency, period


@dataclass(frozen=True)
class Bridge:
    """A tie-out whose two sides are those of a comparison.

    `noun` tells the bridges of one code apart. `tables` are the sides' own tables and their money
    columns, where these have an entity, a currency and a period: totals are then taken from there,
    so that a row which the comparison lost breaks its month. Others are tied to their tables by
    TO-DISP alone.
    """

    code: str
    comparison: str
    labels: tuple[str, str]
    noun: str = ""
    tables: tuple[tuple[str, str], tuple[str, str]] | None = None


BRIDGES = (
    Bridge(
        "TO-INV",
        "cmp_invoice__billing_vs_erp",
        ("billing", "ledger"),
        tables=(
            ("conformed.invoice__billing", "total_minor"),
            ("conformed.invoice__erp", "total_minor"),
        ),
    ),
    Bridge(
        "TO-CRN",
        "cmp_credit_note__billing_vs_erp",
        ("billing", "ledger"),
        tables=(
            ("conformed.credit_note__billing", "total_minor"),
            ("conformed.credit_note__erp", "total_minor"),
        ),
    ),
    Bridge(
        "TO-CRN", "cmp_credit_note_application__billing_vs_erp", ("billing", "ledger"), "applied"
    ),
    Bridge("TO-CASH", "cmp_payment__billing_vs_erp", ("processor", "ledger"), "received"),
    Bridge("TO-CASH", "cmp_payment_application__billing_vs_erp", ("billing", "ledger"), "applied"),
    Bridge("TO-CASH", "cmp_refund__billing_vs_erp", ("processor", "ledger"), "refunded"),
    Bridge("TO-CASH", "cmp_dispute__billing_vs_erp", ("processor", "ledger"), "disputed"),
    Bridge("TO-BANK", "cmp_payout__billing_vs_erp", ("payouts", "deposits")),
    Bridge("TO-BANK", "cmp_payout__billing_vs_bank", ("payouts", "bank lines"), "at the bank"),
    Bridge("TO-TAX", "cmp_invoice_tax__billing_vs_erp", ("billing", "ledger")),
    Bridge("TO-REV", "cmp_revenue_period__policy_vs_erp", ("policy", "plan lines")),
    Bridge("TO-JE", "cmp_posting__event_vs_ledger", ("events", "ledger")),
    Bridge("TO-CON", "cmp_contract_line__crm_vs_billing", ("contracted", "billed")),
    Bridge("TO-MRR", "cmp_account_arr__crm_vs_contracts", ("CRM", "signed"), "ARR"),
)


def bridge_lines(
    con: duckdb.DuckDBPyConnection, findings: Findings, exponents: Mapping[str, int]
) -> Iterator[Line]:
    """A line per bridge, entity, currency and period of either side.

    A record counts in the period of its own side; one without a period has a line without one.
    """
    for bridge in BRIDGES:
        if bridge.comparison in findings.evaluated:
            for line in _lines(con, bridge, findings.cells):
                written = partial(amount, currency=line["currency"] or "", exponents=exponents)
                yield line | {"detail": _detail(bridge, line.pop("parts"), written)}


def _lines(
    con: duckdb.DuckDBPyConnection, bridge: Bridge, cells: pl.DataFrame
) -> Iterator[dict[str, Any]]:
    of_bridge = cells.filter(pl.col("comparison") == bridge.comparison)
    placed = [
        _placed(of_bridge, end, other) for end, other in (("left", "right"), ("right", "left"))
    ]
    if bridge.tables is None:
        totals = [{key: _total(parts) for key, parts in side.items()} for side in placed]
    else:
        totals = [_by_period(con, table, amount) for table, amount in bridge.tables]
    for key in sorted({*placed[0], *placed[1], *totals[0], *totals[1]}, key=str):
        left, right = (side.get(key, []) for side in placed)
        yield _line(bridge, key, [side.get(key, (0, 0)) for side in totals], left, right)


def _by_period(
    con: duckdb.DuckDBPyConnection, table: str, amount: str
) -> dict[_Key, tuple[int, int]]:
    rows = con.sql(
        f"select legal_entity, currency, period, count(*), coalesce(sum({amount}), 0)::bigint "
        f"from {table} group by all"
    ).fetchall()
    return {(entity, currency, period): (n, minor) for entity, currency, period, n, minor in rows}


def _placed(cells: pl.DataFrame, end: str, other: str) -> dict[_Key, list[Line]]:
    """The side's rows by entity, currency and period: matched, or what explains them."""
    is_of_other, is_elsewhere = (
        pl.col(f"{end}_{name}").ne_missing(pl.col(f"{other}_{name}"))
        for name in ("legal_entity", "period")
    )
    is_matched = pl.col("disposition") == "matched"
    told = (
        pl.when(is_matched & (pl.col("closeness") == "apart"))
        .then(pl.lit(UNEXPLAINED))
        .when(is_matched & is_of_other)
        .then(pl.lit("other_entity"))
        .when(is_matched & is_elsewhere)
        .then(pl.lit("other_period"))
        .when(is_matched & (pl.col("closeness") == "close"))
        .then(pl.lit(TOLERATED))
        .otherwise(pl.concat_str("disposition", "code", separator=" ", ignore_nulls=True))
    )
    grouped = (
        cells.filter(pl.col(f"has_{end}"))
        .with_columns(told.alias("told"))
        .group_by(f"{end}_legal_entity", f"{end}_currency", f"{end}_period", "told")
        .agg(pl.col("rows").sum(), pl.col(f"{end}_minor").sum().alias("minor"))
        .sort("told")
    )
    found: dict[_Key, list[Line]] = {}
    for entity, currency, period, name, rows, minor in grouped.iter_rows():
        line = {"told": name, "rows": rows, "minor": minor}
        found.setdefault((entity, currency, period), []).append(line)
    return found


def _line(
    bridge: Bridge,
    key: _Key,
    totals: Sequence[tuple[int, int]],
    left: Sequence[Line],
    right: Sequence[Line],
) -> dict[str, Any]:
    entity, currency, period = key
    (left_rows, left_minor), (right_rows, right_minor) = totals
    known = [[each for each in side if each["told"] != UNEXPLAINED] for side in (left, right)]
    (left_placed, left_known), (right_placed, right_known) = map(_total, known)
    rows_apart = abs(left_rows - left_placed) + abs(right_rows - right_placed)
    open_left, open_right = left_minor - left_known, right_minor - right_known
    return {
        "code": bridge.code,
        "scope": scope_of(entity, bridge),
        "currency": currency,
        "period": period,
        "left_label": bridge.labels[0],
        "left_rows": left_rows,
        "left_minor": left_minor,
        "right_label": bridge.labels[1],
        "right_rows": right_rows,
        "right_minor": right_minor,
        "matched_minor": sum(each["minor"] for each in left if each["told"] == "matched"),
        "explained_minor": left_known - right_known,
        "unexplained_rows": rows_apart,
        "unexplained_minor": open_left - open_right,
        "holds": (rows_apart, open_left, open_right) == (0, 0, 0),
        "parts": known,
    }


def scope_of(entity: str | None, bridge: Bridge) -> str:
    """The scope of the lines of a bridge and a legal entity."""
    return " ".join(filter(None, (entity or "no legal entity", bridge.noun)))


def _total(parts: Sequence[Line]) -> tuple[int, int]:
    return sum(part["rows"] for part in parts), sum(part["minor"] for part in parts)


def _detail(bridge: Bridge, sides: Sequence[Sequence[Line]], written: Callable[[int], str]) -> str:
    """'billing exception INV-MISS-01 2 (5.00 EUR), ledger manual_erp 1 (3.00 EUR)'."""
    return ", ".join(
        f"{label} {str(part['told']).removeprefix(EXCLUDED)} {part['rows']} "
        f"({written(part['minor'])})"
        for label, side in zip(bridge.labels, sides, strict=True)
        for part in side
        if part["told"] != "matched"
    )
