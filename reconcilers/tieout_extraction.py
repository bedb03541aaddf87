"""TO-EXT: what a source counts and totals itself, against what landed and was staged."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

Line = Mapping[str, Any]
Sums = dict[str, int]


def _staged(model: str, amount: str, parent: str = "") -> str:
    """Per currency the records of an ERP model that have one, and the sum of their amounts."""
    return f"""
        select currencies.currency, currencies.exponent, count(*), coalesce(sum(lines.{amount}), 0)
        from staging.stg_netsuite__{model} as lines {parent}
        inner join staging.stg_netsuite__currencies as currencies using (currency_id)
        group by all
    """


_BY_TRANSACTION = "inner join staging.stg_netsuite__transactions as parents"
_BY_PLAN = "inner join staging.stg_netsuite__revenue_plans as parents using (revenue_plan_id)"

# Amounts in units of the currency with its exponent: added up before they are rounded to minor
# units, as the source does it.
STAGED_SUMS: Mapping[str, str] = {
    "netsuite.transaction": _staged("transactions", "total"),
    "netsuite.transaction_line": _staged(
        "transaction_lines", "amount", f"{_BY_TRANSACTION} using (transaction_id)"
    ),
    "netsuite.transaction_link": _staged(
        "transaction_links",
        "amount",
        f"{_BY_TRANSACTION} on lines.next_transaction_id = parents.transaction_id",
    ),
    "netsuite.revenue_plan": _staged("revenue_plans", "amount"),
    "netsuite.revenue_plan_line": _staged("revenue_plan_lines", "amount", _BY_PLAN),
    # Minor units already: the balance that the account reports is the net of all its movements.
    "stripe.balance_transaction": """
        select currency, 0, count(*), coalesce(sum(net_minor), 0)
        from staging.stg_stripe__balance_transactions
        where balance_type = 'payments'
        group by currency
    """,
    # What the balances of the statements that stand say that their lines come to.
    "bank.statement_line": """
        select lines.currency, currencies.exponent, count(*), coalesce(sum(lines.amount), 0)
        from staging.stg_bank__statement_lines as lines
        inner join staging.stg_bank__statements using (statement_id)
        inner join seeds.currencies as currencies on lines.currency = currencies.currency
        group by all
    """,
}


@dataclass(frozen=True)
class _Reading:
    """The newest extraction of an object; counts and sums from before and after its pages."""

    system: str
    name: str
    counts: tuple[int, int] | None
    landed: int
    quarantined: int
    sums: tuple[Sums, Sums] | None
    reported: int | None

    @property
    def scope(self) -> str:
        return f"{self.system}.{self.name}"

    @property
    def source(self) -> int | None:
        """What the source counts: of its two counts, and all between them, the one nearest."""
        if self.counts is None:
            return None
        return min(max(self.landed + self.quarantined, min(self.counts)), max(self.counts))


def extraction_lines(con: duckdb.DuckDBPyConnection, drift: pl.DataFrame) -> Iterator[Line]:
    """A line per object, and one per currency of the objects whose amounts the source totals."""
    breaks = drift.filter(pl.col("code") == "CTL-CNT-01")
    reported = {
        key: int(expected) - int(observed)
        for key, expected, observed in breaks.select("row_key", "expected", "observed").iter_rows()
    }
    rows = con.sql(
        "select system, object, coalesce(source_count_before, source_count), source_count, "
        "landed_count, quarantined_count, source_sum_minor_before, source_sum_minor "
        "from raw.snapshots"
    ).fetchall()
    for system, name, before, after, landed, quarantined, sums_before, sums in rows:
        reading = _Reading(
            system,
            name,
            None if after is None else (before, after),
            landed,
            quarantined,
            None if sums is None else (json.loads(sums_before or sums), json.loads(sums)),
            reported.get(f"{system}.{name}"),
        )
        yield _count_line(con, reading)
        if reading.sums is not None:
            yield from _sum_lines(con, reading, *reading.sums)


def staging_model(system: str, name: str) -> str:
    """The view that stages a raw object: stg_<system>__<objects>."""
    bare = name.rstrip("0123456789")
    plural = f"{bare[:-1]}ies" if bare.endswith("y") else f"{bare}s"
    return f"stg_{system}__{plural}"


def _count_line(con: duckdb.DuckDBPyConnection, reading: _Reading) -> Line:
    arrived = reading.landed + reading.quarantined
    source = reading.source
    missing = 0 if source is None else source - arrived - (reading.reported or 0)
    table = f"staging.{staging_model(reading.system, reading.name)}"
    staged = int(con.sql(f"select count(*) from {table}").fetchall()[0][0])
    return {
        "code": "TO-EXT",
        "scope": reading.scope,
        "left_label": "source",
        "left_rows": source,
        "right_label": "landed and quarantined",
        "right_rows": arrived,
        "unexplained_rows": abs(missing) + abs(reading.landed - staged),
        "holds": missing == 0 and reading.landed == staged,
        "detail": ", ".join(
            [
                f"landed {reading.landed}",
                f"quarantined {reading.quarantined}",
                f"staged {staged}",
                *(["the source states no count"] if source is None else []),
                *_moved_or_reported(reading),
            ]
        ),
    }


def _moved_or_reported(reading: _Reading) -> Iterator[str]:
    if reading.counts is not None and reading.counts[0] != reading.counts[1]:
        before, after = reading.counts
        yield f"the source counted {before} before and {after} after it was read"
    if reading.reported is not None:
        yield f"CTL-CNT-01 reports {reading.reported}"


def _sum_lines(
    con: duckdb.DuckDBPyConnection, reading: _Reading, before: Sums, after: Sums
) -> Iterator[Line]:
    """Per currency, the source's own total; a gap is explained by what is known to be amiss.

    Nobody can say which amounts a moving source, a quarantined or a missing record stand for, so
    each of them explains the whole gap.
    """
    known = list(_moved_or_reported(reading))
    if reading.quarantined:
        known.append(f"quarantined {reading.quarantined}")
    staged = {
        currency: (rows, round(Decimal(total).scaleb(exponent)))
        for currency, exponent, rows, total in con.sql(STAGED_SUMS[reading.scope]).fetchall()
    }
    for currency in sorted({*after, *staged}):
        source = after.get(currency, 0)
        rows, minor = staged.get(currency, (0, 0))
        moved = before.get(currency, 0) != source
        causes = [*known, *(["the source's total moved while it was read"] if moved else [])]
        gap = source - minor
        unexplained = 0 if causes else gap
        yield {
            "code": "TO-EXT",
            "scope": reading.scope,
            "currency": currency,
            "left_label": "source",
            "left_minor": source,
            "right_label": "staged",
            "right_rows": rows,
            "right_minor": minor,
            "matched_minor": minor,
            "explained_minor": gap - unexplained,
            "unexplained_rows": 0,
            "unexplained_minor": unexplained,
            "holds": unexplained == 0,
            "detail": ", ".join(causes) if gap else "",
        }
