"""Matching without shared keys: what each kind of pass matches, and what it leaves alone."""

from datetime import date

import pytest

from reconcilers.match import By, Cardinality
from reconcilers.match.intake import DuplicateItemError
from reconcilers.match.passes import Amounts, Within
from tests.match_tables import a_pass, item, matched

BY_REFERENCE = a_pass(By.REFERENCE)
BY_AMOUNT = a_pass(By.AMOUNT, within=Within.PARTY, days_before=30, days_after=0)
IN_PARTS = a_pass(By.REFERENCE, cardinality=Cardinality.MANY_TO_ONE, amounts=Amounts.ANY)


def of_subset(cardinality=Cardinality.ONE_TO_MANY, **fields):
    bounds = {"max_candidates": 8, "max_members": 4}
    return a_pass(By.SUBSET, cardinality=cardinality, within=Within.PARTY, **bounds | fields)


def june(day):
    return date(2026, 6, day)


def test_records_that_name_the_same_reference_and_amount_match():
    found = matched(
        [item("p1", reference_keys=["in_1", "in_0"])],
        [item("i1", reference_keys=["in_1"]), item("i2")],
        BY_REFERENCE,
    )
    assert found.matches == [("reference", "automatic", "p1", "i1")]
    assert found.residue == {("right", "i2"): "no_candidate"}


def test_a_number_that_is_mentioned_finds_every_document_that_has_it():
    found = matched(
        [item("p1", 300, document_numbers=["N1", "N2"])],
        [item("i1", 100, document_numbers=["N1"]), item("i2", 200, document_numbers=["N2"])],
        a_pass(By.NUMBER, cardinality=Cardinality.ONE_TO_MANY),
    )
    assert found.matches == [("number", "automatic", "p1", "i1 i2")]
    assert found.allocations == {("p1", "i1"): 100, ("p1", "i2"): 200}


def test_an_amount_speaks_only_within_its_days_and_for_its_party():
    found = matched(
        [item("p1", item_date=june(30))],
        [
            item("in time", item_date=june(1)),
            item("too early", item_date=date(2026, 5, 30)),
            item("other party", item_date=june(29), party="zeta"),
        ],
        BY_AMOUNT,
    )
    assert found.matches == [("amount", "automatic", "p1", "in time")]


@pytest.mark.parametrize("day", [june(11), date(2026, 5, 10)])
def test_a_day_outside_of_the_window_is_outside(day):
    found = matched([item("p1")], [item("i1", item_date=day)], BY_AMOUNT)
    assert found.matches == []


@pytest.mark.parametrize("day", [june(10), date(2026, 5, 11)])
def test_the_edges_of_the_window_are_inside(day):
    found = matched([item("p1")], [item("i1", item_date=day)], BY_AMOUNT)
    assert found.matches == [("amount", "automatic", "p1", "i1")]


def test_a_record_without_party_or_date_is_no_candidate_where_they_count():
    for lacking in ({"party": None}, {"item_date": None}):
        found = matched([item("p1")], [item("i1", **lacking)], BY_AMOUNT)
        assert found.residue[("left", "p1")] == "no_candidate"


def test_different_currencies_never_match():
    same = {"reference_keys": ["k"], "document_numbers": ["k"], "group_keys": ["k"]}
    found = matched(
        [item("p1", **same)],
        [item("i1", currency="EUR", **same)],
        BY_REFERENCE, a_pass(By.NUMBER), BY_AMOUNT, of_subset(), IN_PARTS,
        a_pass(By.SUM, cardinality=Cardinality.MANY_TO_MANY, within=Within.GROUP),
    )  # fmt: skip
    assert found.matches == []


def test_a_record_of_another_currency_is_no_rival():
    sides = [[item(f"{side}{code}", currency=code) for code in ("EUR", "USD")] for side in "pi"]
    assert matched(*sides, BY_AMOUNT).matches == [
        ("amount", "automatic", "pEUR", "iEUR"),
        ("amount", "automatic", "pUSD", "iUSD"),
    ]


def test_two_equally_good_candidates_are_ambiguous_and_stay():
    found = matched([item("p1")], [item("i1"), item("i2")], BY_AMOUNT)
    assert found.matches == []
    assert set(found.residue.values()) == {"ambiguous"}
    told = found.con.sql(
        "select candidate_count, candidates from reconciliation.match_residue where side = 'left'"
    ).fetchall()
    assert told == [(2, "i1,i2")]


def test_what_was_ambiguous_is_only_suggested_by_later_passes():
    left = [item("p1", document_numbers=["N1"])]
    right = [item("i1", document_numbers=["N1"]), item("i2")]
    later = a_pass(By.NUMBER)
    assert matched(left, right, BY_AMOUNT, later).matches == []
    suggested = a_pass(By.NUMBER, suggested=True)
    assert matched(left, right, BY_AMOUNT, suggested).matches == [
        ("number", "suggested", "p1", "i1")
    ]
    assert matched(left, right, later, BY_AMOUNT).matches == [("number", "automatic", "p1", "i1")]


def test_an_earlier_pass_takes_a_record_away_from_later_ones():
    found = matched(
        [item("p1", reference_keys=["k"]), item("p2")],
        [item("i1", reference_keys=["k"])],
        BY_REFERENCE,
        BY_AMOUNT,
    )
    assert found.matches == [("reference", "automatic", "p1", "i1")]
    assert found.residue == {("left", "p2"): "no_candidate"}


def test_instalments_of_one_invoice_are_allocated_in_the_order_of_their_dates():
    found = matched(
        [
            item("late", 50, reference_keys=["in_1"], item_date=june(20)),
            item("early", 70, reference_keys=["in_1"], item_date=june(5)),
        ],
        [item("i1", 100, reference_keys=["in_1"])],
        IN_PARTS,
    )
    assert found.allocations == {("early", "i1"): 70, ("late", "i1"): 30}
    assert found.residue == {("left", "late"): "partly_allocated"}


def test_a_reference_with_another_amount_is_told_apart_from_no_candidate():
    keys = {"reference_keys": ["in_1"]}
    found = matched([item("p1", 100, **keys)], [item("i1", 90, **keys)], IN_FULL)
    assert set(found.residue.values()) == {"amounts_differ"}


IN_FULL = a_pass(By.REFERENCE, cardinality=Cardinality.MANY_TO_ONE)


@pytest.mark.parametrize(("other", "matches"), [(95, 1), (94, 0), (105, 1), (106, 0)])
def test_a_tolerance_is_a_number_of_minor_units(other, matches):
    keys = {"reference_keys": ["in_1"]}
    near = a_pass(By.REFERENCE, tolerance_minor=5)
    found = matched([item("p1", 100, **keys)], [item("i1", other, **keys)], near)
    assert len(found.matches) == matches
    assert sum(found.allocations.values()) == matches * min(100, other)


def test_everything_of_a_group_matches_when_both_sides_add_up():
    balance = a_pass(By.SUM, cardinality=Cardinality.MANY_TO_MANY, within=Within.GROUP)
    batch, other = {"group_keys": ["b1"]}, {"group_keys": ["b2"]}
    found = matched(
        [item("p1", 70, **batch), item("p2", 60, **batch), item("p3", 10, **other)],
        [item("i1", 90, **batch), item("i2", 40, **batch), item("i3", 11, **other)],
        balance,
    )
    assert found.matches == [("sum", "automatic", "p1 p2", "i1 i2")]
    assert found.allocations == {("p1", "i1"): 70, ("p2", "i1"): 20, ("p2", "i2"): 40}
    assert found.residue == {("left", "p3"): "amounts_differ", ("right", "i3"): "amounts_differ"}


def test_that_a_customers_balance_does_not_add_up_is_no_reason():
    balance = a_pass(By.SUM, cardinality=Cardinality.MANY_TO_MANY, within=Within.PARTY)
    found = matched([item("p1", 10)], [item("i1", 11)], balance)
    assert set(found.residue.values()) == {"no_candidate"}


def test_a_group_that_is_known_by_two_keys_is_one_group():
    both = {"group_keys": ["b1", "b2"]}
    balance = a_pass(By.SUM, cardinality=Cardinality.MANY_TO_MANY, within=Within.GROUP)
    found = matched([item("p1", **both)], [item("i1", **both)], balance)
    assert len(found.matches) == 1


def test_the_days_of_a_group_hold_for_all_its_records():
    balance = a_pass(
        By.SUM, cardinality=Cardinality.MANY_TO_MANY, within=Within.PARTY,
        days_before=5, days_after=0,
    )  # fmt: skip
    left = [item("p1", 60, item_date=june(10)), item("p2", 40, item_date=june(12))]
    assert matched(left, [item("i1", item_date=june(7))], balance).matches
    assert not matched(left, [item("i1", item_date=june(6))], balance).matches


@pytest.mark.parametrize("reverse", [False, True])
def test_the_only_subset_that_makes_up_the_amount_matches(reverse):
    one, many = [item("t", 100)], [item("a", 60), item("b", 40), item("c", 35)]
    if reverse:
        found = matched(many, one, of_subset(Cardinality.MANY_TO_ONE))
        assert found.matches == [("subset", "automatic", "a b", "t")]
    else:
        found = matched(one, many, of_subset())
        assert found.matches == [("subset", "automatic", "t", "a b")]


def test_two_subsets_that_make_up_the_amount_are_ambiguous():
    found = matched([item("t", 100)], [item("a", 60), item("b", 40), item("c", 100)], of_subset())
    assert found.matches == []
    assert set(found.residue.values()) == {"ambiguous"}


def test_a_record_that_two_targets_need_is_ambiguous():
    found = matched(
        [item("t1", 100), item("t2", 90)],
        [item("a", 60), item("b", 40), item("c", 30)],
        of_subset(),
    )
    assert found.matches == []


def test_a_subset_has_no_more_members_than_allowed():
    parts = [item(name, 25) for name in "abcd"]
    assert matched([item("t", 100)], parts, of_subset(max_members=4)).matches
    assert not matched([item("t", 100)], parts, of_subset(max_members=3)).matches


def test_too_many_candidates_are_told_and_never_searched():
    parts = [item("a", 60), item("b", 40), item("c", 1)]
    found = matched([item("t", 100)], parts, of_subset(max_candidates=2))
    assert found.residue[("left", "t")] == "too_many_candidates"
    found = matched(
        [item("p1"), item("p2"), item("p3", 7)],
        [item("i1"), item("i3", 7)],
        a_pass(By.AMOUNT, days_before=9, days_after=9, max_candidates=1),
    )
    assert found.residue == {
        ("left", "p1"): "too_many_candidates",
        ("left", "p2"): "too_many_candidates",
        ("right", "i1"): "too_many_candidates",
    }


def test_a_match_of_more_members_than_allowed_is_left_alone():
    keys = {"reference_keys": ["k"]}
    few = a_pass(By.REFERENCE, cardinality=Cardinality.MANY_TO_ONE, max_members=2)
    lefts = [item("a", 50, **keys), item("b", 30, **keys), item("c", 20, **keys)]
    found = matched(lefts, [item("i1", 100, **keys)], few)
    assert set(found.residue.values()) == {"too_many_candidates"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"amount_minor": 0}, "amount_not_positive"),
        ({"amount_minor": -100}, "amount_not_positive"),
        ({"amount_minor": None}, "amount_not_positive"),
        ({"currency": None}, "no_currency"),
    ],
)
def test_what_cannot_be_matched_says_why(values, reason):
    keys = {"reference_keys": ["k"]}
    found = matched([item("p1", **keys) | values], [item("i1", **keys) | values], BY_REFERENCE)
    assert found.residue == {("left", "p1"): reason, ("right", "i1"): reason}


def test_without_another_side_there_is_nothing_to_match_with():
    assert matched([item("p1")], [], BY_AMOUNT).residue == {("left", "p1"): "other_side_empty"}


def test_a_record_that_stands_twice_is_refused():
    with pytest.raises(DuplicateItemError, match="lefts: the record p1 stands there twice"):
        matched([item("p1"), item("p1")], [item("i1")], BY_AMOUNT)
