"""Remembers which canonical customer each source record was given, so that ids stay the same."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reconcilers.state.models import IdentityEntry
from reconcilers.state.store import State


def remembered_identities(state: State) -> dict[tuple[str, str], str]:
    """Canonical customer id by (system, source id), over all nights so far."""
    with state.read() as session:
        rows = session.execute(
            select(
                IdentityEntry.system, IdentityEntry.source_id, IdentityEntry.canonical_customer_id
            )
        )
        return {(system, source_id): canonical for system, source_id, canonical in rows}


def remember_identities(
    state: State, identities: Mapping[tuple[str, str], str], snapshot_date: date
) -> int:
    """Store what this night resolved; returns how many records are new or moved.

    First and last seen dates only widen, so nights may be remembered in any order.
    """
    with state.begin() as session:
        known = {(e.system, e.source_id): e for e in session.scalars(select(IdentityEntry))}
        return sum(
            _remember(session, known.get(key), key, canonical, snapshot_date)
            for key, canonical in sorted(identities.items())
        )


def first_seen_dates(state: State) -> dict[tuple[str, str], date]:
    """The first night on which each source record was seen."""
    with state.read() as session:
        rows = session.execute(
            select(IdentityEntry.system, IdentityEntry.source_id, IdentityEntry.first_seen_date)
        )
        return {(system, source_id): first for system, source_id, first in rows}


def forget_identities(state: State) -> None:
    """Empty the registry; the next resolve then names every customer by its anchor again."""
    with state.begin() as session:
        session.execute(delete(IdentityEntry))


def _remember(
    session: Session,
    entry: IdentityEntry | None,
    key: tuple[str, str],
    canonical: str,
    snapshot_date: date,
) -> bool:
    if entry is None:
        session.add(
            IdentityEntry(
                system=key[0],
                source_id=key[1],
                canonical_customer_id=canonical,
                first_seen_date=snapshot_date,
                last_seen_date=snapshot_date,
            )
        )
        return True
    entry.first_seen_date = min(entry.first_seen_date, snapshot_date)
    entry.last_seen_date = max(entry.last_seen_date, snapshot_date)
    moved = entry.canonical_customer_id != canonical
    entry.canonical_customer_id = canonical
    return moved
