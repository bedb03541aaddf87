"""The life of an exception: a pure fold over what each night observed and what was proved.

Nothing here is edited by hand and nothing depends on the order in which nights were recorded.
Pure; exceptions.py stores the observations and keeps the folded present.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

REOPEN_WITHIN = timedelta(days=30)


class ExceptionState(StrEnum):
    """Where an exception stands. Only the fold sets it."""

    OPEN = "OPEN"
    WAIVED = "WAIVED"
    RESOLVED_SELF = "RESOLVED_SELF"
    RESOLVED_VERIFIED = "RESOLVED_VERIFIED"


STILL_OPEN = (ExceptionState.OPEN, ExceptionState.WAIVED)


@dataclass(frozen=True)
class NightFact:
    """A recorded night: how far each object was covered, and which comparisons prove nothing."""

    snapshot_date: date
    watermarks: Mapping[str, datetime] = field(default_factory=dict)
    unproven_comparisons: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sighting:
    """What one night said about one exception key."""

    snapshot_date: date
    disposition: str
    comparison: str
    impact_reporting_minor: int | None = None


@dataclass(frozen=True)
class AcceptedCorrection:
    """A correction of ours that the target took, and the object whose watermark must pass it.

    From `undone_at` on (UTC) it proves nothing any more.
    """

    correction_id: str
    accepted_at: datetime
    watermark_object: str
    undone_at: datetime | None = None

    def stood_at(self, moment: datetime) -> bool:
        """Whether what is read at that moment shows its effect."""
        is_undone = self.undone_at is not None and moment > self.undone_at
        return moment > self.accepted_at and not is_undone


@dataclass(frozen=True)
class WaiverFact:
    """Accepted by people from a date to a date, while the money stays near what they saw.

    `band_percent` is how far the money may move from what they saw, either way.
    """

    valid_from: date
    expires_on: date
    impact_reporting_minor: int | None = None
    band_percent: int = 10

    def covers(self, night: date, impact_reporting_minor: int | None) -> bool:
        if not self.valid_from <= night <= self.expires_on:
            return False
        seen, agreed = impact_reporting_minor or 0, self.impact_reporting_minor or 0
        return abs(seen - agreed) * 100 <= abs(agreed) * self.band_percent


@dataclass(frozen=True)
class Verdict:
    """What a later night proved about an accepted correction."""

    correction_id: str
    snapshot_date: date
    is_effective: bool


@dataclass(frozen=True)
class ExceptionLife:
    """The folded present of one exception key as of the newest night considered."""

    state: ExceptionState
    opened_on: date
    last_seen_on: date
    resolved_on: date | None
    resolved_by: str | None
    age_days: int
    nights_seen: int
    episode: int
    episode_started_on: date
    is_ineffective: bool
    waived_until: date | None

    @property
    def is_open(self) -> bool:
        return self.state in STILL_OPEN


def judge(
    correction: AcceptedCorrection,
    nights: Sequence[NightFact],
    sightings: Mapping[date, Sighting],
    comparison: str,
) -> Verdict | None:
    """The first night that can prove whether the correction worked, and its proof.

    A night can when its snapshot of the target object was read after the target accepted and
    before it was undone, and the comparison was neither unproven nor still within its grace.
    """
    for night in nights:
        watermark = night.watermarks.get(correction.watermark_object)
        if watermark is None or not correction.stood_at(watermark):
            continue
        seen = sightings.get(night.snapshot_date)
        if seen is None and comparison in night.unproven_comparisons:
            continue
        if seen is None or seen.disposition == "exception":
            return Verdict(correction.correction_id, night.snapshot_date, is_effective=seen is None)
    return None


def fold(
    nights: Sequence[NightFact],
    sightings: Iterable[Sighting],
    corrections: Iterable[AcceptedCorrection] = (),
    waivers: Iterable[WaiverFact] = (),
) -> ExceptionLife | None:
    """The life of one key over all nights in date order; None if it never was an exception."""
    by_night = {sighting.snapshot_date: sighting for sighting in sightings}
    if not by_night or not nights:
        return None
    ordered = sorted(nights, key=_night_date)
    last = max(by_night)
    newest = by_night[last]
    verdicts = [
        verdict
        for correction in corrections
        if (verdict := judge(correction, ordered, by_night, newest.comparison))
    ]
    life = _Life(verdicts, newest.comparison)
    for night in ordered[bisect_left(ordered, min(by_night), key=_night_date) :]:
        life.live(night, by_night.get(night.snapshot_date))
        if night.snapshot_date > last and life.resolved_on is not None:
            break  # nothing is seen later, so nothing can change any more
    return life.present(ordered[-1].snapshot_date, tuple(waivers))


def _night_date(night: NightFact) -> date:
    return night.snapshot_date


class _Life:
    """The running state of one fold."""

    def __init__(self, verdicts: Sequence[Verdict], comparison: str) -> None:
        self.verdicts = verdicts
        self.comparison = comparison
        self.opened_on: date | None = None
        self.started_on = date.min
        self.last_seen: Sighting | None = None
        self.resolved_on: date | None = None
        self.resolved_by: str | None = None
        self.nights_seen = 0
        self.episode = 0

    def live(self, night: NightFact, seen: Sighting | None) -> None:
        if seen is not None and seen.disposition == "exception":
            self._see(seen)
        elif self.opened_on is None or self.resolved_on is not None:
            return
        elif seen is None and self.comparison not in night.unproven_comparisons:
            self._resolve(night.snapshot_date)

    def _see(self, seen: Sighting) -> None:
        today = seen.snapshot_date
        if self.opened_on is None:
            self.opened_on = self.started_on = today
            self.episode = 1
        elif self.resolved_on is not None:
            if today - self.resolved_on > REOPEN_WITHIN:
                self.opened_on = today
            self.started_on = today
            self.resolved_on = self.resolved_by = None
            self.episode += 1
        self.last_seen = seen
        self.nights_seen += 1

    def _resolve(self, today: date) -> None:
        self.resolved_on = today
        proofs = [v for v in self.verdicts if v.snapshot_date == today and v.is_effective]
        self.resolved_by = min((v.correction_id for v in proofs), default=None)

    def present(self, today: date, waivers: Sequence[WaiverFact]) -> ExceptionLife | None:
        if self.opened_on is None or self.last_seen is None:
            return None
        impact = self.last_seen.impact_reporting_minor
        covering = [w.expires_on for w in waivers if w.covers(today, impact)]
        waived_until = max(covering, default=None) if self.resolved_on is None else None
        return ExceptionLife(
            state=self._state(waived_until),
            opened_on=self.opened_on,
            last_seen_on=self.last_seen.snapshot_date,
            resolved_on=self.resolved_on,
            resolved_by=self.resolved_by,
            age_days=((self.resolved_on or today) - self.opened_on).days,
            nights_seen=self.nights_seen,
            episode=self.episode,
            episode_started_on=self.started_on,
            is_ineffective=self.resolved_on is None and self._is_ineffective(),
            waived_until=waived_until,
        )

    def _state(self, waived_until: date | None) -> ExceptionState:
        if self.resolved_on is None:
            return ExceptionState.WAIVED if waived_until else ExceptionState.OPEN
        if self.resolved_by is None:
            return ExceptionState.RESOLVED_SELF
        return ExceptionState.RESOLVED_VERIFIED

    def _is_ineffective(self) -> bool:
        return any(
            not verdict.is_effective and verdict.snapshot_date >= self.started_on
            for verdict in self.verdicts
        )
