"""Instants of the simulation: unix seconds (UTC); a simulated day runs from 02:00 to 02:00 UTC."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR_MONTHS = 12
NIGHTLY = time(2)
"""When a day ends and its night can run (UTC)."""

_FIRST_DAYTIME = 4 * HOUR
_LAST_DAYTIME = 18 * HOUR


def epoch(at: datetime) -> int:
    return int(at.timestamp())


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def opening(day: date) -> int:
    """The instant at which a simulated day begins."""
    return epoch(datetime.combine(day, NIGHTLY, UTC))


def day_of(at: int) -> date:
    """The simulated day that holds an instant."""
    return (moment(at) - timedelta(hours=NIGHTLY.hour)).date()


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_date(at: int, timezone: str) -> date:
    """The accounting date of an instant in the calendar of a legal entity."""
    return datetime.fromtimestamp(at, _zone(timezone)).date()


def business_hour(day: date, timezone: str, rng: Random) -> int:
    """An instant in the office hours (08:00 to 17:00 local) of a day."""
    local = datetime.combine(day, time(8), _zone(timezone))
    return epoch(local) + rng.randrange(9 * HOUR)


def daytime(at: int, rng: Random) -> int:
    """An instant between 04:00 and 18:00 UTC of the calendar day of `at`.

    What happens then, with the copies it causes within hours, is over when the night runs. It is
    for changes whose time no vendor shows on the record, so that nobody could call them in flight.
    """
    midnight = at - at % DAY
    return midnight + rng.randrange(_FIRST_DAYTIME, _LAST_DAYTIME)


def is_daytime(at: int) -> bool:
    return _FIRST_DAYTIME <= at % DAY < _LAST_DAYTIME


def add_months(day: date, months: int, anchor_day: int | None = None) -> date:
    """The same day months later (or earlier), the last day where the month is too short."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    wanted = anchor_day or day.day
    return date(year, month + 1, min(wanted, calendar.monthrange(year, month + 1)[1]))


def boundary(anchor: int, anchor_day: int, months: int) -> int:
    """When a billing period ends that began `months` months earlier at `anchor`."""
    start = moment(anchor)
    moved = add_months(start.date(), months, anchor_day)
    return epoch(datetime.combine(moved, start.time(), UTC))


def copy_lag(at: int, rng: Random) -> int:
    """Seconds until another system has taken over a change: minutes to three hours.

    Late in the evening (23:00 to 02:00 UTC) the integration is busy and takes almost three hours,
    so that changes of the last hour are in flight when the night runs.
    """
    if at % DAY >= 23 * HOUR or at % DAY < 2 * HOUR:
        return rng.randrange(125 * MINUTE, 175 * MINUTE)
    return rng.randrange(6 * MINUTE, 170 * MINUTE)
