"""What a receiver of events refused: kept with its reason until it is taken after all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from extractors.errors import SourceError
from reconcilers.state.models import EventLetter
from reconcilers.state.store import State


@dataclass(frozen=True)
class Letter:
    """An event that `sink` refused, by its place in the log; `refused_at` is UTC."""

    sink: str
    event_id: str
    sequence: int
    status: int | None
    reason: str
    refused_at: datetime


def keep(state: State, sink: str, place: tuple[str, int], error: SourceError, at: datetime) -> None:
    """Remember that the event at a place (id, sequence) was refused, and why."""
    event_id, sequence = place
    with state.begin() as session:
        session.merge(
            EventLetter(
                sink=sink,
                event_id=event_id,
                sequence=sequence,
                status=error.status,
                reason=f"{error.message} {error.body_excerpt}".strip(),
                refused_at=at,
                delivered_at=None,
            )
        )


def undelivered(state: State, sink: str | None = None, chosen: str = "") -> list[Letter]:
    """Refused and not taken since, in the order of the log; of all receivers, or of one."""
    query = sa.select(EventLetter).where(
        EventLetter.delivered_at.is_(None), EventLetter.event_id.startswith(chosen, autoescape=True)
    )
    if sink is not None:
        query = query.where(EventLetter.sink == sink)
    with state.read() as session:
        found: Sequence[EventLetter] = session.scalars(
            query.order_by(EventLetter.sink, EventLetter.sequence)
        ).all()
    return [
        Letter(one.sink, one.event_id, one.sequence, one.status, one.reason, one.refused_at)
        for one in found
    ]


def taken(state: State, letter: Letter, at: datetime) -> None:
    """The receiver has it now; the refusal stays on record."""
    with state.begin() as session:
        session.execute(
            sa.update(EventLetter)
            .where(EventLetter.sink == letter.sink, EventLetter.event_id == letter.event_id)
            .values(delivered_at=at)
        )
