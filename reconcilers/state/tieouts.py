"""Keeps each night's tie-outs, so that their history outlives the warehouse."""

from datetime import date

import polars as pl
from sqlalchemy import delete, insert, select

from reconcilers.state.models import TieoutRecord
from reconcilers.state.store import State

SCHEMA = {
    "snapshot_date": pl.Date(),
    "code": pl.String(),
    "scope": pl.String(),
    "currency": pl.String(),
    "period": pl.String(),
    "left_label": pl.String(),
    "left_rows": pl.Int64(),
    "left_minor": pl.Int64(),
    "right_label": pl.String(),
    "right_rows": pl.Int64(),
    "right_minor": pl.Int64(),
    "matched_minor": pl.Int64(),
    "explained_minor": pl.Int64(),
    "unexplained_rows": pl.Int64(),
    "unexplained_minor": pl.Int64(),
    "holds": pl.Boolean(),
    "detail": pl.String(),
}
KEY = ("snapshot_date", "code", "scope", "currency", "period")


def record_tieouts(state: State, snapshot_date: date, tieouts: pl.DataFrame) -> int:
    """Replace a night's tie-outs by `tieouts`; returns how many there are."""
    rows = (
        tieouts.with_columns(
            pl.lit(snapshot_date).alias("snapshot_date"),
            pl.col("currency", "period").fill_null(""),  # parts of the key: '' stands for none
        )
        .select(*SCHEMA)
        .to_dicts()
    )
    with state.begin() as session:
        session.execute(delete(TieoutRecord).where(TieoutRecord.snapshot_date == snapshot_date))
        if rows:
            session.execute(insert(TieoutRecord), rows)
    return len(rows)


def load_tieouts(state: State, snapshot_date: date) -> pl.DataFrame:
    """A night's tie-outs as they were recorded, in the order of their keys."""
    columns = [getattr(TieoutRecord, name) for name in SCHEMA]
    with state.read() as session:
        rows = (
            session.execute(
                select(*columns)
                .where(TieoutRecord.snapshot_date == snapshot_date)
                .order_by(*(getattr(TieoutRecord, name) for name in KEY))
            )
            .tuples()
            .all()
        )
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")
