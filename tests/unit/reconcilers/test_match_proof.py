"""The proof of an outcome finds every way in which it could be wrong."""

import pytest

from reconcilers.match import By
from reconcilers.match.proof import doubly_matched, over_allocated, unaccounted
from reconcilers.match.warehouse import per_pass
from tests.match_tables import a_pass, item, matched, pairing

KEYS = {"reference_keys": ["k"]}
OURS = [pairing()]


@pytest.fixture
def con():
    """One match of 100, and 7 left on the right side."""
    left = [item("p1", 100, **KEYS)]
    return matched(left, [item("i1", 100, **KEYS), item("i2", 7)], a_pass(By.REFERENCE)).con


def test_a_right_outcome_has_nothing_to_find(con):
    assert doubly_matched(con) == over_allocated(con, OURS) == unaccounted(con, OURS) == []


def test_a_record_in_two_matches_is_found(con):
    con.execute(
        "insert into reconciliation.match_allocations "
        "select * replace ('other' as match_id) from reconciliation.match_allocations"
    )
    assert doubly_matched(con) == [
        "money: left p1 stands in several matches",
        "money: right i1 stands in several matches",
    ]


def test_more_than_is_open_is_found(con):
    con.execute("update reconciliation.match_allocations set allocated_minor = 101")
    told = over_allocated(con, OURS)
    assert told[0] == "money: of left p1 101 are allocated, 100 are open"
    assert told[-1].endswith("allocates 101, not 100")


def test_another_currency_is_found(con):
    con.execute("update reconciliation.match_allocations set currency = 'EUR'")
    assert len(over_allocated(con, OURS)) == 2


def test_an_allocation_to_nobody_is_found(con):
    con.execute("update reconciliation.match_allocations set right_id = 'i9'")
    assert over_allocated(con, OURS) == ["money: of right i9 100 are allocated, 0 are open"]


def test_a_match_without_allocation_is_found(con):
    con.execute("delete from reconciliation.match_allocations")
    (told,) = over_allocated(con, OURS)
    assert told.endswith("allocates 0, not 100")


def test_a_record_that_vanished_is_found_with_its_money(con):
    con.execute("delete from reconciliation.match_residue")
    assert unaccounted(con, OURS) == ["money right USD: 1 records of 2, 100 of 107"]


def test_counts_and_money_of_each_pass_are_told_with_what_is_left(con):
    assert per_pass(con) == [
        ("money", "reference", "automatic", "USD", 1, 2, 100),
        ("money", "right: no_candidate", "", "USD", 0, 1, 7),
    ]
