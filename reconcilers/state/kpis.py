"""Keeps each night's key figures, so that their history outlives the warehouse."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

from sqlalchemy import delete, insert, select

from reconcilers.kpis.figures import Figure
from reconcilers.state.models import KpiRecord
from reconcilers.state.store import State

_COLUMNS = tuple(
    getattr(KpiRecord, name)
    for name in ("code", "dimension", "member", "numerator", "denominator", "currency")
)


def record_kpis(state: State, snapshot_date: date, figures: Iterable[Figure]) -> int:
    """Replace a night's figures by these; returns how many there are."""
    rows = [{"snapshot_date": snapshot_date, **asdict(figure)} for figure in figures]
    with state.begin() as session:
        session.execute(delete(KpiRecord).where(KpiRecord.snapshot_date == snapshot_date))
        if rows:
            session.execute(insert(KpiRecord), rows)
    return len(rows)


def load_kpis(
    state: State, until: date, nights: int, dimension: str | None = None
) -> dict[date, list[Figure]]:
    """The figures of so many nights up to one, by night in date order; of one dimension or all."""
    recent = (
        select(KpiRecord.snapshot_date)
        .where(KpiRecord.snapshot_date <= until)
        .distinct()
        .order_by(KpiRecord.snapshot_date.desc())
        .limit(nights)
    )
    query = (
        select(KpiRecord.snapshot_date, *_COLUMNS)
        .where(KpiRecord.snapshot_date.in_(recent.scalar_subquery()))
        .order_by(KpiRecord.snapshot_date, KpiRecord.code, KpiRecord.dimension, KpiRecord.member)
    )
    if dimension is not None:
        query = query.where(KpiRecord.dimension == dimension)
    found: dict[date, list[Figure]] = {}
    with state.read() as session:
        for night, *values in session.execute(query).tuples():
            found.setdefault(night, []).append(Figure(*values))
    return found
