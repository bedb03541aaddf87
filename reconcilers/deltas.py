"""What the gap of a finding is made of: tax, a missing line, a fee, rounding or nothing known."""

import duckdb
import pandera.polars as pa
import polars as pl

from reconcilers import engine
from reconcilers.findings import empty

PARTS = "comparison.delta_parts"
# Classes whose impact is the gap of one pair of amounts, whichever way they count it.
DECOMPOSED = ("CRN-AMT-01", "INV-AMT-01", "PAY-AMT-01", "PYT-DEP-01")

DELTAS = pa.DataFrameSchema(
    {
        "exception_key": pa.Column(pl.String),
        "part": pa.Column(pl.String),
        "amount_minor": pa.Column(pl.Int64, pa.Check.ne(0)),
    },
    strict=True,
    ordered=True,
    unique=["exception_key", "part"],
)


def decompose(con: duckdb.DuckDBPyConnection, drift: pl.DataFrame) -> pl.DataFrame:
    """The parts of each finding that is the gap of two amounts, in its currency.

    They add up to its impact: a part is positive where it adds to a positive impact.
    """
    gaps = drift.filter(pl.col("code").is_in(DECOMPOSED), pl.col("impact_minor") != 0)
    if gaps.is_empty():
        return empty(DELTAS)
    parts = gaps.join(engine.collect(engine.lazy(con, PARTS)), on=["comparison", "row_key"])
    gap = pl.col("amount_minor").sum().over("exception_key")
    impact = pl.col("impact_minor")
    signed = parts.filter(gap.abs() == impact.abs()).with_columns(
        pl.col("amount_minor") * pl.when(gap == impact).then(1).otherwise(-1)
    )
    return DELTAS.validate(signed.select(DELTAS.columns.keys()).sort("exception_key", "part"))
