"""Remembers under which canonical id each source record was first seen, so that ids stay."""

import polars as pl
from sqlalchemy import insert, select

from reconcilers.state.models import IdentityEntry
from reconcilers.state.store import State

SCHEMA = {
    "system": pl.String(),
    "source_id": pl.String(),
    "canonical_customer_id": pl.String(),
    "first_seen_date": pl.Date(),
}


def load_registry(state: State) -> pl.DataFrame:
    """Every first assignment so far, as identity's REGISTRY_SCHEMA wants it."""
    columns = [getattr(IdentityEntry, name) for name in SCHEMA]
    with state.read() as session:
        rows = session.execute(select(*columns).order_by(*columns[:2])).tuples().all()
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def add_assignments(state: State, assignments: pl.DataFrame) -> int:
    """Remember records that are not known yet; returns how many.

    What is known is never rewritten, so a night that is replayed gives what it gave.
    """
    with state.begin() as session:
        known = set(session.execute(select(IdentityEntry.system, IdentityEntry.source_id)).tuples())
        new = [
            row
            for row in assignments.select(*SCHEMA).unique(["system", "source_id"]).to_dicts()
            if (row["system"], row["source_id"]) not in known
        ]
        if new:
            session.execute(insert(IdentityEntry), new)
        return len(new)
