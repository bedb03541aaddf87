"""Feeds the pure fold of life.py from the state store, and stores what it says.

Works inside the caller's transaction and moves rows as tuples: a night may see tens of thousands.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, delete, func, insert, select, update
from sqlalchemy.orm import Session

from reconcilers.corrections.verify import accepted_corrections, taken_keys
from reconcilers.life import (
    AcceptedCorrection,
    ExceptionLife,
    NightFact,
    Sighting,
    WaiverFact,
    fold,
)
from reconcilers.state.models import DriftFacts, ExceptionRecord, Night, Observation, Waiver

FACTS = tuple(DriftFacts.__annotations__)
LIFE = (
    "state",
    "opened_on",
    "last_seen_on",
    "resolved_on",
    "resolved_by",
    "age_days",
    "nights_seen",
    "episode",
    "is_ineffective",
    "waived_until",
)
Values = dict[str, Any]


def newest_night(session: Session) -> date | None:
    """The latest snapshot date that was recorded."""
    return session.scalar(select(func.max(Night.snapshot_date)))


def recorded_nights(session: Session, until: date | None = None) -> list[NightFact]:
    """The nights in date order, as the fold wants them."""
    nights = session.scalars(select(Night).order_by(Night.snapshot_date))
    return [
        NightFact(
            night.snapshot_date,
            {name: datetime.fromisoformat(at) for name, at in night.watermarks.items()},
            frozenset(night.unproven_comparisons),
        )
        for night in nights
        if until is None or night.snapshot_date <= until
    ]


def sightings_of_corrected(session: Session) -> dict[str, dict[date, Sighting]]:
    """What every night saw of the exceptions for which a target took a correction."""
    corrected = Observation.exception_key.in_(taken_keys())
    grouped: dict[str, dict[date, Sighting]] = defaultdict(dict)
    for key, sighting in _sightings(session, _sighting_query().where(corrected)):
        grouped[key][sighting.snapshot_date] = sighting
    return grouped


def folded(session: Session, until: date | None = None) -> Iterator[tuple[str, ExceptionLife]]:
    """Every exception as the nights until then make it, in the order of the keys."""
    nights = recorded_nights(session, until)
    corrections: dict[str, list[AcceptedCorrection]] = defaultdict(list)
    for key, correction in accepted_corrections(session):
        corrections[key].append(correction)
    waivers: dict[str, list[WaiverFact]] = defaultdict(list)
    for waiver in session.scalars(select(Waiver)):
        waivers[waiver.exception_key].append(
            WaiverFact(waiver.valid_from, waiver.expires_on, waiver.impact_reporting_minor)
        )
    query = _sighting_query()
    if until is not None:
        query = query.where(Observation.snapshot_date <= until)
    sightings: dict[str, list[Sighting]] = defaultdict(list)
    for key, sighting in _sightings(session, query):
        sightings[key].append(sighting)
    for key, seen in sightings.items():
        life = fold(nights, seen, corrections.get(key, ()), waivers.get(key, ()))
        if life is not None:
            yield key, life


def unproven_corrections(session: Session) -> list[tuple[str, AcceptedCorrection]]:
    """What targets took for exceptions that are still open: none of it has been seen to work.

    What was undone does not count, nor what was taken in an earlier episode: that it drifted again
    is a new drift.
    """
    nights, seen = recorded_nights(session), sightings_of_corrected(session)
    return [
        (key, correction)
        for key, correction in accepted_corrections(session)
        if correction.undone_at is None
        and (life := fold(nights, seen[key].values(), (correction,), ())) is not None
        and life.is_open
        and correction.accepted_at.date() >= life.episode_started_on
    ]


def refold(session: Session) -> None:
    """Make the exceptions table say what the fold says, touching only rows that change."""
    session.flush()
    names = (*FACTS, *LIFE)
    columns = [getattr(ExceptionRecord, name) for name in names]
    stored = {
        row[0]: dict(zip(names, row[1:], strict=True))
        for row in session.execute(select(ExceptionRecord.exception_key, *columns))
    }
    facts = latest_facts(session)
    lives = {key: facts[key] | life_columns(life) for key, life in folded(session)}
    new = [_keyed(key, values) for key, values in lives.items() if key not in stored]
    changed = [
        _keyed(key, values)
        for key, values in lives.items()
        if key in stored and stored[key] != values
    ]
    if new:
        session.execute(insert(ExceptionRecord), new)
    if changed:
        session.execute(update(ExceptionRecord), changed)
    for key in stored.keys() - lives.keys():  # a night recorded again took its only sighting away
        session.execute(delete(ExceptionRecord).where(ExceptionRecord.exception_key == key))
    session.expire_all()


def latest_facts(session: Session, until: date | None = None) -> dict[str, Values]:
    """What the newest night that saw each exception said about it."""
    seen = select(
        Observation.exception_key, func.max(Observation.snapshot_date).label("last")
    ).where(Observation.disposition == "exception")
    if until is not None:
        seen = seen.where(Observation.snapshot_date <= until)
    newest = seen.group_by(Observation.exception_key).subquery()
    columns = [getattr(Observation, name) for name in FACTS]
    rows = session.execute(
        select(Observation.exception_key, *columns).join(
            newest,
            and_(
                Observation.exception_key == newest.c.exception_key,
                Observation.snapshot_date == newest.c.last,
            ),
        )
    )
    return {row[0]: dict(zip(FACTS, row[1:], strict=True)) for row in rows}


def life_columns(life: ExceptionLife) -> Values:
    """The life of an exception as columns of its table."""
    return {name: getattr(life, name) for name in LIFE} | {"state": life.state.value}


def _sighting_query() -> Select[str, date, str, str, int | None]:
    return select(
        Observation.exception_key,
        Observation.snapshot_date,
        Observation.disposition,
        Observation.comparison,
        Observation.impact_reporting_minor,
    ).order_by(Observation.exception_key, Observation.snapshot_date)


def _sightings(
    session: Session, query: Select[str, date, str, str, int | None]
) -> Iterator[tuple[str, Sighting]]:
    for key, night, disposition, comparison, impact in session.execute(query).tuples():
        yield key, Sighting(night, disposition, comparison, impact)


def _keyed(key: str, values: Values) -> Values:
    return {"exception_key": key, **values}
