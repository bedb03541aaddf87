"""What matching adds to findings: the deposit or bank line of a payout, the invoice of cash.

Invoices that lost their key are told in lost_keys.py.
"""

from datetime import date

import duckdb
import polars as pl

from reconcilers import engine
from reconcilers.match.warehouse import ALLOCATIONS, MATCHES
from reconcilers.rules.base import SYSTEM_OF_ROLE

DEPOSITS = "payouts_to_deposits"
CASH = "cash_application"
BANK = "payouts_to_bank"
_SCHEMA = dict.fromkeys(("pairing", "left_id", "right_id", "mode", "pass_name"), pl.String)


def matches_of(con: duckdb.DuckDBPyConnection, snapshot_date: date) -> pl.DataFrame:
    """Per payout or payment that was matched that day: with what, how surely, and by which pass.

    `right_id` lists all records of the other side. None before there was matching.
    """
    if not engine.exists(con, MATCHES):
        return pl.DataFrame(schema=_SCHEMA)
    return con.sql(
        f"""
        select
            pairing, left_id, string_agg(distinct right_id, ', ' order by right_id) as right_id,
            any_value(mode) as mode, any_value(pass_name) as pass_name
        from {MATCHES} inner join {ALLOCATIONS} using (snapshot_date, pairing, match_id)
        where pairing in (?, ?, ?) and snapshot_date = ?
        group by pairing, left_id
        """,
        params=[DEPOSITS, CASH, BANK, snapshot_date],
    ).pl()


def tell_deposits(drift: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Name the deposit of a payout (PYT-DEP-01) that none names.

    An automatic match is a deposit that lost its key, and is no finding of its own any more; a
    suggested one is named for people to look at.
    """
    is_payout = pl.col("code") == "PYT-DEP-01"
    named = _beside(drift, matches, DEPOSITS, pl.col("owner_id"))
    is_named = is_payout & (pl.col("cause") == "not_deposited") & pl.col("right_id").is_not_null()
    is_sure = is_named & (pl.col("mode") == "automatic")
    told = named.filter(is_sure)["right_id"].to_list()
    return (
        named.with_columns(
            observed=_where(is_named, _in_words("deposit"), "observed"),
            cause=_where(is_sure, pl.lit("key_lost"), "cause"),
            replica_system=_where(is_sure, pl.lit(SYSTEM_OF_ROLE["erp"]), "replica_system"),
            replica_id=_where(is_sure, pl.col("right_id"), "replica_id"),
        )
        .filter(~(is_payout & pl.col("owner_id").is_in(told)))
        .select(drift.columns)
    )


def tell_cash(drift: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Name the invoices that unapplied cash (PAY-APPL-01) belongs to, as matching found them."""
    payment = pl.coalesce("replica_id", "owner_id")
    is_unapplied = (pl.col("code") == "PAY-APPL-01") & (pl.col("cause") == "unapplied")
    named = _beside(drift, matches, CASH, payment)
    observed = _where(
        is_unapplied & pl.col("right_id").is_not_null(),
        pl.concat_str(pl.lit("unapplied: "), _in_words("invoice")),
        "observed",
    )
    return named.with_columns(observed=observed).select(drift.columns)


def tell_bank(drift: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Name the lines of the bank that a payout without one (PYT-BANK-01) may be, as proposals."""
    is_missing = (pl.col("code") == "PYT-BANK-01") & (pl.col("cause") == "not_on_statement")
    named = _beside(drift, matches, BANK, pl.col("owner_id"))
    is_named = is_missing & pl.col("right_id").is_not_null()
    observed = _where(is_named, _in_words("line"), "observed")
    return named.with_columns(observed=observed).select(drift.columns)


def _beside(
    drift: pl.DataFrame, matches: pl.DataFrame, pairing: str, left_id: pl.Expr
) -> pl.DataFrame:
    of_pairing = matches.filter(pl.col("pairing") == pairing).drop("pairing")
    keyed = drift.with_columns(_left=left_id)
    return keyed.join(of_pairing, left_on="_left", right_on="left_id", how="left")


def _in_words(what: str) -> pl.Expr:
    return pl.concat_str(
        pl.lit(f"{what} "), "right_id", pl.lit(" ("), "mode", pl.lit(", "), "pass_name", pl.lit(")")
    )


def _where(condition: pl.Expr, then: pl.Expr, column: str) -> pl.Expr:
    return pl.when(condition).then(then).otherwise(column)
