"""Remembers every canonical id that a source record ever had, so that ids stay and lead on.

Rows belong to the night that wrote them. A night that runs again replaces its own rows and no
others, and is told only of the nights before it; so it gives what it gave.
"""

from datetime import date

import polars as pl
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from reconcilers.identity.registry import ALIAS_SCHEMA, EVENT_SCHEMA, REGISTRY_SCHEMA, History
from reconcilers.state.models import IdentityAlias, IdentityAssignment, IdentityEvent
from reconcilers.state.store import State


def load_registry(state: State, before: date) -> pl.DataFrame:
    """The last assignment of each record before that day, as identity's REGISTRY_SCHEMA."""
    entry = IdentityAssignment
    newest = (
        select(
            entry.system,
            entry.source_id,
            func.max(entry.snapshot_date).label("last"),
            func.min(entry.snapshot_date).label("first"),
        )
        .where(entry.snapshot_date < before)
        .group_by(entry.system, entry.source_id)
        .subquery()
    )
    query = (
        select(
            entry.system,
            entry.source_id,
            entry.canonical_customer_id,
            newest.c.first,
            entry.snapshot_date,
        )
        .join(
            newest,
            (entry.system == newest.c.system)
            & (entry.source_id == newest.c.source_id)
            & (entry.snapshot_date == newest.c.last),
        )
        .order_by(entry.system, entry.source_id)
    )
    with state.read() as session:
        rows = session.execute(query).tuples().all()
    return pl.DataFrame(list(rows), schema=REGISTRY_SCHEMA, orient="row")


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
    if not rows.is_empty():
        session.execute(insert(table), rows.to_dicts())


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
    with state.read() as session:
        rows = session.execute(select(*columns).order_by(*columns)).tuples().all()
    return pl.DataFrame(list(rows), schema=schema, orient="row")
