"""Which stretches of time a customer's usage is asked for: whole UTC days, cut where a period ends.

Pure. The vendor sums usage by UTC days, or over any time that begins and ends at whole minutes
(docs.stripe.com/api/billing/meter-event-summary/list). A period of billing can end at any second:
the day in which it ends is asked for in parts, so that each part belongs to one period.
"""

import calendar
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

MINUTE, DAY = 60, 86_400

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Metered:
    """What a customer used by one meter: `since` to `until` (both midnight UTC), unix seconds.

    `cuts` are minutes inside of days at which a period begins or ends; the last may lie behind
    `until`, in the day that is not over.
    """

    meter: str
    customer: str
    since: int
    until: int
    cuts: tuple[int, ...] = ()

    @classmethod
    def of(cls, bookmark: Mapping[str, Any]) -> Self:
        return cls(**{**bookmark, "cuts": tuple(bookmark["cuts"])})

    def bookmark(self) -> dict[str, Any]:
        return asdict(self)

    def parted(self, at: int) -> tuple["Metered", "Metered"]:
        """What was used before a midnight, and since then."""
        early = tuple(cut for cut in self.cuts if cut < at)
        late = tuple(cut for cut in self.cuts if cut >= at)
        return replace(self, until=at, cuts=early), replace(self, since=at, cuts=late)

    def joined(self, other: "Metered") -> "Metered":
        """Both as one: two subscriptions of a customer can be billed by one meter."""
        return replace(
            self,
            since=min(self.since, other.since),
            until=max(self.until, other.until),
            cuts=tuple(sorted({*self.cuts, *other.cuts})),
        )

    @property
    def days(self) -> range:
        return range(self.since, self.until, DAY)

    @property
    def last_day(self) -> int | None:
        """The day that is not over, where a period ended in it."""
        last = self.cuts[-1] if self.cuts else self.until
        return _midnight(last) if last > self.until else None

    def parts(self, day: int) -> list[tuple[int, int]]:
        """(start, end) of the parts of a day; of the day that is not over up to its last cut."""
        inside = [cut for cut in self.cuts if day < cut < day + DAY]
        end = inside[-1:] if day >= self.until else [day + DAY]
        bounds = sorted({day, *inside, *end})
        return list(itertools.pairwise(bounds))

    def is_cut(self, day: int) -> bool:
        return any(day < cut < day + DAY for cut in self.cuts)


def metered(subscription: Record, item: Record, since: int | None, now: int) -> Metered | None:
    """What is to be asked of an item; None where nothing can have changed `since`."""
    begun, ended = subscription["start_date"], subscription.get("ended_at")
    first = _midnight(begun)
    # What came to the subscription meanwhile is asked for from its start.
    if since is not None and item["created"] < since:
        first = max(first, _midnight(since))
    until = _midnight(now)
    if ended is not None:
        until = min(until, _midnight(ended + DAY - 1))
    cuts = {_minute(at) for at in _bounds(subscription, item, first, now)}
    inside = tuple(sorted(cut for cut in cuts if first <= cut <= now and cut % DAY))
    found = Metered(
        item["price"]["recurring"]["meter"], subscription["customer"], first, until, inside
    )
    return found if first < until or found.last_day is not None else None


def _bounds(subscription: Record, item: Record, first: int, now: int) -> Iterator[int]:
    """When periods began and ended: as the item says, and before as they follow from the anchor."""
    yield from (item["current_period_start"], item["current_period_end"])
    yield from (subscription["start_date"], subscription.get("ended_at") or first)
    recurring = item["price"]["recurring"]
    yield from boundaries(
        subscription["billing_cycle_anchor"],
        (recurring["interval"], recurring.get("interval_count") or 1),
        (first, min(now, item["current_period_start"])),
    )


def boundaries(anchor: int, every: tuple[str, int], within: tuple[int, int]) -> Iterator[int]:
    """The instants of a billing cycle within two instants, both included.

    A cycle of months keeps the day of its anchor, or has the last day where a month is too short.
    """
    (interval, count), (first, last) = every, within
    if interval in {"day", "week"}:
        step = count * DAY * (7 if interval == "week" else 1)
        yield from range(first + (anchor - first) % step, last + 1, step)
        return
    months = count * (12 if interval == "year" else 1)
    low, high = (_months_between(anchor, at) // months for at in (first, last))
    for number in range(low - 1, high + 2):
        at = _months_later(anchor, number * months)
        if first <= at <= last:
            yield at


def _months_between(anchor: int, at: int) -> int:
    one, other = _moment(anchor), _moment(at)
    return 12 * (other.year - one.year) + other.month - one.month


def _months_later(anchor: int, months: int) -> int:
    start = _moment(anchor)
    year, month = divmod(12 * start.year + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def since_of(cursor_from: datetime, late: timedelta) -> int:
    """The midnight from which usage may have changed since a cursor."""
    return _midnight(int((cursor_from - late).timestamp()))


def joined(found: Iterable[Metered]) -> list[Metered]:
    """One of each meter and customer."""
    by_pair: dict[tuple[str, str], Metered] = {}
    for one in found:
        pair = (one.meter, one.customer)
        by_pair[pair] = by_pair[pair].joined(one) if pair in by_pair else one
    return list(by_pair.values())


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _midnight(at: int) -> int:
    return at - at % DAY


def _minute(at: int) -> int:
    return at - at % MINUTE
