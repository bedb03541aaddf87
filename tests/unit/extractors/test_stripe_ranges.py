"""How a list of Stripe is cut into parts: nothing is lost, and little is asked for in vain."""

import bisect
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.billing.stripe.ranges import LIST_LIMIT, Range
from tests.effort import examples

NOW = 1_780_000_000
YEAR = 365 * 86_400


class Listed:
    """A list as the vendor gives it: newest first, filtered by `created`, in pages."""

    def __init__(self, created):
        self.created = sorted(created)
        self.calls = 0

    def page(self, part):
        """Records of the next page, and whether there are more."""
        self.calls += 1
        top = len(self.created) if part.until is None else self._up_to(part.until)
        if part.after is not None:
            top = min(top, int(part.after))
        bottom = 0 if part.since is None else bisect.bisect_left(self.created, part.since)
        first = max(bottom, top - LIST_LIMIT)
        rows = range(top - 1, first - 1, -1)
        return [{"id": str(n), "created": self.created[n]} for n in rows], first > bottom

    def _up_to(self, second):
        return bisect.bisect_right(self.created, second)


def read(listed, idle_when):
    """Ids in the order of reading; `idle_when(open parts)` says how many calls are idle."""
    seen, parts = [], [Range()]
    while parts:
        part = parts.pop(0)
        page, has_more = listed.page(part)
        seen += [record["id"] for record in page]
        if has_more:
            parts += part.rest(page, idle_when(len(parts)))
    return seen


@settings(max_examples=examples(60), deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 400)), min_size=1, max_size=12),
    idle=st.lists(st.integers(0, 3), min_size=1, max_size=7),
)
def test_every_record_is_read_however_many_share_a_second(spans, idle):
    created, at = [], NOW
    for seconds, count in spans:
        at -= seconds
        created += [at] * count
    listed = Listed(created)
    turns = iter(range(10**9))
    seen = read(listed, lambda _: idle[next(turns) % len(idle)])
    assert set(seen) == {str(n) for n in range(len(created))}


@pytest.mark.parametrize("growth", [1.0, 0.4])
def test_little_is_asked_for_in_vain(growth):
    rng = random.Random(7)
    listed = Listed(NOW - int(3 * YEAR * (1 - rng.random() ** growth)) for _ in range(100_000))
    read(listed, lambda open_parts: max(0, 8 - open_parts))
    assert listed.calls <= 1_000 * 1.04


def test_without_idle_calls_a_list_is_followed_by_its_cursor():
    listed = Listed(range(NOW - 1_000, NOW))
    page, _ = listed.page(Range())
    (rest,) = Range().rest(page, idle=0)
    assert rest.params() == [("starting_after", page[-1]["id"])]
    read(listed, lambda _: 0)
    assert listed.calls == 1 + 10


def test_parts_begin_at_the_second_of_the_last_record_without_its_cursor():
    part = Range(since=NOW - 100_000, until=NOW, newest=NOW)
    page = [{"id": str(n), "created": NOW - n} for n in range(100)]
    newer, older = part.rest(page, idle=1)
    assert newer.params() == [
        ("created[gte]", str(older.until + 1)),
        ("created[lte]", str(page[-1]["created"])),
    ]
    assert (older.since, older.after, newer.after) == (part.since, None, None)


def test_what_one_second_holds_is_not_cut():
    page = [{"id": str(n), "created": NOW} for n in range(100)]
    (rest,) = Range(since=0, until=NOW, newest=NOW).rest(page, idle=9)
    assert (rest.after, rest.seen) == ("99", NOW)


def test_a_short_rest_is_not_cut():
    page = [{"id": str(n), "created": NOW - n} for n in range(100)]
    assert len(Range(since=NOW - 600, until=NOW, newest=NOW).rest(page, idle=9)) == 1
    assert len(Range(since=NOW - 9_000, until=NOW, newest=NOW).rest(page, idle=9)) == 2


def test_without_its_cursor_a_range_goes_on_at_the_second_of_the_last_record():
    part = Range(since=5, until=90, newest=99, after="x", seen=70, read=100)
    assert part.without_cursor().params() == [("created[gte]", "5"), ("created[lte]", "70")]


def test_a_bookmark_survives_as_json():
    part = Range(since=5, until=90, newest=99, after="x", seen=70, read=100)
    assert Range.of(json.loads(json.dumps(part.bookmark()))) == part
