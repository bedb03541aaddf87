"""Invoices that stand in both systems and have only lost the key that ties them: CTL-XREF-01.

Matching finds them (pairing `lost_invoice_keys`); without it each is a missing invoice and another
one without source, and a correction would post it a second time.
"""

from datetime import date

import duckdb
import narwhals as nw
import polars as pl

from reconcilers import engine
from reconcilers.drift import exception_keys
from reconcilers.match.warehouse import ALLOCATIONS, MATCHES
from reconcilers.rules.severity import FLOORS, severity

CODE = "CTL-XREF-01"
PAIRING = "lost_invoice_keys"
_SCHEMA = {"billing_id": pl.String, "erp_id": pl.String, "evidence": pl.String}


def lost_keys(con: duckdb.DuckDBPyConnection, snapshot_date: date) -> pl.DataFrame:
    """Billing and ERP invoice of each automatic match of the day; none before there was matching.

    `evidence` is the pass that matched them. Suggestions are left to people.
    """
    if not engine.exists(con, MATCHES):
        return pl.DataFrame(schema=_SCHEMA)
    return con.sql(
        f"""
        select left_id as billing_id, right_id as erp_id, pass_name as evidence
        from {MATCHES} inner join {ALLOCATIONS} using (snapshot_date, pairing, match_id)
        where pairing = ? and mode = 'automatic' and cardinality = '1:1' and snapshot_date = ?
        """,
        params=[PAIRING, snapshot_date],
    ).pl()


def tell_lost_keys(drift: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """One CTL-XREF-01 in place of each INV-MISS-01 and INV-MISS-02 that are one invoice."""
    missing = drift.filter(pl.col("code") == "INV-MISS-01")
    extra = drift.filter(pl.col("code") == "INV-MISS-02")
    pairs = lost.filter(
        pl.col("billing_id").is_in(missing["owner_id"].to_list()),
        pl.col("erp_id").is_in(extra["owner_id"].to_list()),
    )
    if pairs.is_empty():
        return drift
    is_missing = pl.col("code") == "INV-MISS-01"
    is_extra = pl.col("code") == "INV-MISS-02"
    rest = drift.filter(
        ~(is_missing & pl.col("owner_id").is_in(pairs["billing_id"].to_list())),
        ~(is_extra & pl.col("owner_id").is_in(pairs["erp_id"].to_list())),
    )
    return pl.concat([rest, _told(missing, extra, pairs).select(drift.columns)])


def _told(missing: pl.DataFrame, extra: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The row of the missing invoice, with the record that stands for it after all."""
    sides = pairs.join(
        extra.select(erp_id="owner_id", erp_role="owner_role", erp_system="owner_system"),
        on="erp_id",
    )
    told = missing.join(sides, left_on="owner_id", right_on="billing_id").with_columns(
        code=pl.lit(CODE),
        attribute=pl.lit("invoice_id"),
        expected=pl.col("owner_id"),
        observed=pl.lit(None, dtype=pl.String),
        cause=pl.concat_str(pl.lit("by_"), "evidence"),
        replica_role="erp_role",
        replica_system="erp_system",
        replica_id="erp_id",
    )
    judged = nw.from_native(told, eager_only=True).with_columns(
        severity=severity(nw.lit(FLOORS[CODE]), nw.col("impact_reporting_minor"))
    )
    return judged.to_native().with_columns(exception_keys(told).alias("exception_key"))
