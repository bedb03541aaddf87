"""TO-EXT for each entity: staged records = published ones + those left out, per currency."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from reconcilers.entity_sums import BILLING, CRM, EntitySum
from reconcilers.entity_sums_commercial import COMMERCIAL
from reconcilers.entity_sums_erp import ERP
from reconcilers.entity_sums_settlement import SETTLEMENT

Line = Mapping[str, Any]
_Totals = dict[str | None, tuple[int, int]]  # currency -> records, minor units

ENTITY_SUMS: tuple[EntitySum, ...] = (*CRM, *BILLING, *ERP, *COMMERCIAL, *SETTLEMENT)


def entity_lines(con: duckdb.DuckDBPyConnection, sums: Sequence[EntitySum]) -> Iterator[Line]:
    """A line per entity and currency, one of zeros where there are no records.

    An object that is not read has no entities to tie.
    """
    snapshots = con.sql("select system || '.' || object from raw.snapshots").fetchall()
    read = {name for (name,) in snapshots}
    for each in sums:
        if each.object in read:
            yield from _lines(con, each)


def _lines(con: duckdb.DuckDBPyConnection, each: EntitySum) -> Iterator[Line]:
    staged, told = _staged(con, each)
    published = _totals(con, each.published_query)
    left_out = {
        other.reason: told.get(other.reason, {})
        if other.query is None
        else _totals(con, other.query)
        for other in each.left_out
    }
    currencies = {*staged, *published}.union(*left_out.values())
    for currency in sorted(currencies, key=str) or [None]:
        apart = {reason: of[currency] for reason, of in left_out.items() if currency in of}
        left, right = staged.get(currency, (0, 0)), published.get(currency, (0, 0))
        yield {"scope": each.scope, "currency": currency, **_line(each, left, right, apart)}


def _line(
    each: EntitySum,
    left: tuple[int, int],
    right: tuple[int, int],
    apart: Mapping[str, tuple[int, int]],
) -> Line:
    (rows, minor), (there, there_minor) = left, right
    placed = there + sum(count for count, _ in apart.values())
    explained = sum(amount for _, amount in apart.values())
    return {
        "code": "TO-EXT",
        "left_label": each.staged,
        "left_rows": rows,
        "left_minor": minor,
        "right_label": f"{each.published} and left out",
        "right_rows": placed,
        "right_minor": there_minor + explained,
        "matched_minor": there_minor,
        "explained_minor": explained,
        "unexplained_rows": abs(rows - placed),
        "unexplained_minor": minor - there_minor - explained,
        "holds": (rows, minor) == (placed, there_minor + explained),
        "detail": ", ".join(f"{count} {reason}" for reason, (count, _) in apart.items()),
    }


def _staged(
    con: duckdb.DuckDBPyConnection, each: EntitySum
) -> tuple[_Totals, Mapping[str, _Totals]]:
    """All staged records, and by reason those that they themselves tell as left out."""
    if all(other.query is not None for other in each.left_out):
        return _totals(con, each.staged_query), {}
    staged: _Totals = {}
    left_out: dict[str, _Totals] = {}
    for currency, reason, count, minor in con.sql(
        "select currency, left_out, count(*), coalesce(sum(amount_minor), 0)::bigint "
        f"from ({each.staged_query}) as records group by all"
    ).fetchall():
        if reason is not None:
            left_out.setdefault(reason, {})[currency] = count, minor
        before, before_minor = staged.get(currency, (0, 0))
        staged[currency] = before + count, before_minor + minor
    return staged, left_out


def _totals(con: duckdb.DuckDBPyConnection, query: str) -> _Totals:
    rows = con.sql(
        "select currency, count(*), coalesce(sum(amount_minor), 0)::bigint "
        f"from ({query}) as records group by currency"
    ).fetchall()
    return {currency: (count, minor) for currency, count, minor in rows}
