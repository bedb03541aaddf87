"""Remembers every canonical id that a source record ever had, so that ids stay and lead on.

Rows belong to the night that wrote them. A night that runs again replaces its own rows and no
others, and is told only of the nights before it; so it gives what it gave.
"""

from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from reconcilers.identity.registry import ALIAS_SCHEMA, EVENT_SCHEMA, History
from reconcilers.state.models import Base, IdentityAlias, IdentityAssignment, IdentityEvent
from reconcilers.state.store import State

# Rows between the store and a frame at a time.
_AT_ONCE = 50_000

_RECORD = ("system", "source_id")
_NIGHT_SCHEMA = {
    **dict.fromkeys((*_RECORD, "canonical_customer_id"), pl.String),
    "snapshot_date": pl.Date,
}


def load_registry(state: State, before: date) -> pl.DataFrame:
    """The last assignment of each record before that day, as identity's REGISTRY_SCHEMA."""
    entry = IdentityAssignment
    record = entry.system, entry.source_id
    query = (
        select(*record, entry.canonical_customer_id, entry.snapshot_date)
        .where(entry.snapshot_date < before)
        .order_by(*record, entry.snapshot_date)
    )
    # most records have one row: to reduce them here takes half the time of a join in the store
    nights = _frame(state, query, _NIGHT_SCHEMA).group_by(_RECORD, maintain_order=True)
    return nights.agg(
        pl.last("canonical_customer_id"),
        pl.first("snapshot_date").alias("first_seen_date"),
        pl.last("snapshot_date").alias("since_date"),
    )


def record_identities(state: State, day: date, history: History) -> None:
    """Keep what the night changed, in place of what the same night had kept before."""
    with state.begin() as session:
        _replace(session, IdentityAssignment, day, history.assignments)
        _replace(session, IdentityAlias, day, history.aliases)
        _replace(session, IdentityEvent, day, history.events.with_row_index("number"))


def _replace(
    session: Session,
    table: type[IdentityAssignment | IdentityAlias | IdentityEvent],
    day: date,
    rows: pl.DataFrame,
) -> None:
    session.execute(delete(table).where(table.snapshot_date == day))
    # the table, not the class: as mapped objects the rows of a first night take twice the time
    for part in rows.iter_slices(_AT_ONCE):
        session.execute(insert(Base.metadata.tables[table.__tablename__]), part.to_dicts())


def load_aliases(state: State) -> pl.DataFrame:
    """Every id that records left, with the id that they went to."""
    return _all(state, IdentityAlias, ALIAS_SCHEMA)


def load_identity_events(state: State) -> pl.DataFrame:
    """What happened to canonical ids: minted, merged, split, gone."""
    return _all(state, IdentityEvent, EVENT_SCHEMA)


def _all(
    state: State, table: type[IdentityAlias | IdentityEvent], schema: dict[str, type[pl.DataType]]
) -> pl.DataFrame:
    columns = [getattr(table, name) for name in schema]
    return _frame(state, select(*columns).order_by(*columns), schema)


def _frame(
    state: State, query: Select[*tuple[Any, ...]], schema: dict[str, type[pl.DataType]]
) -> pl.DataFrame:
    """The rows of the query, a part at a time: as Python objects they take five times more."""
    with state.read() as session:
        parts = session.execute(query, execution_options={"yield_per": _AT_ONCE}).partitions()
        frames = [pl.DataFrame(list(part), schema=schema, orient="row") for part in parts]
    return pl.concat([pl.DataFrame(schema=schema), *frames])
