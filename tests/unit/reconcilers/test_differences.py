"""What two records of a night say otherwise."""

from dataclasses import replace

import pytest

from reconcilers.corrections.policy import load_policy
from reconcilers.differences import Seen, differences, seen_on
from reconcilers.exceptions import record_night
from tests.correction_samples import at, fresh_state
from tests.drift_samples import DAY, drift, missing_invoice

SEEN = Seen("k", "INV-MISS-01", None, "stripe", "in_1", "", "S3", -5_000, None)


def by_key(*seen):
    return {one.exception_key: one for one in seen}


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [((), (SEEN,), "appears"), ((SEEN,), (), "vanishes")],
)
def test_what_one_record_lacks_appears_or_vanishes(before, after, change):
    (found,) = differences(by_key(*before), by_key(*after))
    assert (found.change, found.seen) == (change, SEEN)


@pytest.mark.parametrize(
    "other", [{"severity": "S2"}, {"impact_reporting_minor": 1}, {"explained_by": "p"}]
)
def test_another_judgement_of_the_same_exception_is_a_change(other):
    changed = replace(SEEN, **other)
    (found,) = differences(by_key(SEEN), by_key(changed))
    assert (found.change, found.before, found.seen) == ("changes", SEEN, changed)


def test_what_is_the_same_is_not_told_and_the_dearest_comes_first():
    dear = replace(SEEN, exception_key="a", impact_reporting_minor=-90_000)
    cheap = replace(SEEN, exception_key="b", impact_reporting_minor=10)
    found = differences(by_key(SEEN), by_key(SEEN, cheap, dear))
    assert [one.seen for one in found] == [dear, cheap]


def test_only_exceptions_of_the_night_are_compared(tmp_path):
    state = fresh_state(tmp_path)
    rows = drift(missing_invoice("in_1"), missing_invoice("in_2", disposition="in_flight"))
    record_night(
        state, DAY, rows, "run", watermarks={"netsuite.transaction": at(0)}, policy=load_policy()
    )
    (seen,) = seen_on(state, DAY).values()
    assert (seen.code, seen.owner_id) == ("INV-MISS-01", "in_1")
    assert seen_on(state, at(5).date()) == {}
    state.close()
