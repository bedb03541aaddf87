"""Which stretches of time are asked for, so that nothing is left out, and nothing read twice."""

import itertools
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.billing.stripe.metered import DAY, MINUTE, Metered, boundaries, joined, metered

FIRST = 1_767_225_600  # 2026-01-01
DAYS = st.integers(0, 400).map(lambda days: FIRST + days * DAY)
SECONDS = st.integers(FIRST, FIRST + 400 * DAY)

# A busy machine is no fault of the property.
unhurried = settings(deadline=None)


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def told(instants):
    return [f"{datetime.fromtimestamp(one, UTC):%Y-%m-%dT%H:%M}" for one in instants]


def subscription(starts, interval="month", ended=None, current=None):
    recurring = {"interval": interval, "interval_count": 1, "meter": "mtr_1"}
    begins, ends = current or (starts, starts + 30 * DAY)
    item = {"created": starts, "current_period_start": begins, "current_period_end": ends}
    item["price"] = {"recurring": recurring}
    sold = {"customer": "cus_1", "start_date": starts, "billing_cycle_anchor": starts}
    return {**sold, "ended_at": ended}, item


def test_a_month_that_is_too_short_has_its_boundary_on_the_last_day():
    within = (at("2026-01-31T00:00"), at("2026-06-01T00:00"))
    found = boundaries(at("2025-10-31T08:30"), ("month", 1), within)
    assert told(found) == [
        "2026-01-31T08:30", "2026-02-28T08:30", "2026-03-31T08:30", "2026-04-30T08:30",
        "2026-05-31T08:30",
    ]  # fmt: skip


def test_quarters_years_and_weeks_are_counted_from_the_anchor():
    anchor, year = at("2025-11-15T00:00"), (at("2026-01-01T00:00"), at("2026-12-31T00:00"))
    assert told(boundaries(anchor, ("month", 3), year)) == [
        "2026-02-15T00:00", "2026-05-15T00:00", "2026-08-15T00:00", "2026-11-15T00:00",
    ]  # fmt: skip
    assert told(boundaries(anchor, ("year", 1), year)) == ["2026-11-15T00:00"]
    weeks = list(boundaries(anchor, ("week", 2), year))
    assert told(weeks[:1]) == ["2026-01-10T00:00"]
    assert {(one - anchor) % (14 * DAY) for one in weeks} == {0}


@unhurried
@given(anchor=SECONDS, first=SECONDS, length=st.integers(0, 200 * DAY))
def test_boundaries_lie_within_and_not_two_in_one_period(anchor, first, length):
    found = list(boundaries(anchor, ("month", 1), (first, first + length)))
    assert found == sorted(set(found))
    assert all(first <= one <= first + length for one in found)
    assert all(28 * DAY <= b - a <= 31 * DAY for a, b in itertools.pairwise(found))


@unhurried
@given(starts=SECONDS, now=SECONDS, since=st.none() | DAYS, ended=st.none() | SECONDS)
def test_what_is_asked_for_is_without_gap_or_overlap_up_to_the_day_that_is_not_over(
    starts, now, since, ended
):
    one = metered(*subscription(starts, ended=ended), since, now)
    if one is None:
        return
    assert one.since % DAY == one.until % DAY == 0
    assert one.until <= now
    last = [] if one.last_day is None else [one.last_day]
    spans = [span for day in [*one.days, *last] for span in one.parts(day)]
    assert all(begin < end and begin % MINUTE == end % MINUTE == 0 for begin, end in spans)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(spans) if b[0] != one.last_day)
    assert all(end <= now for _, end in spans)
    assert spans[0][0] in {one.since, one.last_day}


@unhurried
@given(starts=SECONDS, now=SECONDS)
def test_each_part_of_a_day_belongs_to_one_period(starts, now):
    starts -= starts % MINUTE
    one = metered(*subscription(starts), None, now)
    if one is None:
        return
    ends = {starts, *boundaries(starts, ("month", 1), (starts, min(now, starts)))}
    ends.add(starts + 30 * DAY)
    for day in one.days:
        for begin, end in one.parts(day):
            assert not any(begin < bound < end for bound in ends)


def test_what_ended_before_the_days_that_are_asked_is_left_alone():
    starts, now = FIRST, FIRST + 100 * DAY
    over = subscription(starts, ended=FIRST + 50 * DAY + 3_600)
    assert metered(*over, now - 3 * DAY, now) is None
    whole = metered(*over, None, now)
    assert (whole.since, whole.until) == (FIRST, FIRST + 51 * DAY)
    assert whole.cuts == (FIRST + 50 * DAY + 3_600,)


def test_two_subscriptions_of_a_customer_are_asked_for_once():
    one = Metered("mtr_1", "cus_1", FIRST, FIRST + DAY, (FIRST + 60,))
    other = Metered("mtr_1", "cus_1", FIRST - DAY, FIRST, (FIRST - 60,))
    assert joined([one, other]) == [
        Metered("mtr_1", "cus_1", FIRST - DAY, FIRST + DAY, (FIRST - 60, FIRST + 60))
    ]
    assert Metered.of(one.bookmark()) == one
