"""Laws of matching, for any two populations: exclusive, within amounts, complete, deterministic."""

import random
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.match import By, Cardinality
from reconcilers.match.passes import Amounts, Within
from reconcilers.match.proof import doubly_matched, over_allocated, unaccounted
from tests.effort import examples
from tests.match_tables import a_pass, item, matched, pairing

LAWS = settings(max_examples=examples(12), deadline=None)
DAYS = {"days_before": 4, "days_after": 4}
SMALL = {"max_candidates": 4, "max_members": 3}

PASSES = (
    a_pass(By.REFERENCE, max_candidates=2),
    a_pass(By.REFERENCE, name="parts", cardinality=Cardinality.MANY_TO_ONE, amounts=Amounts.ANY),
    a_pass(By.NUMBER, suggested=True, cardinality=Cardinality.MANY_TO_MANY, tolerance_minor=2),
    a_pass(By.NUMBER, name="several", cardinality=Cardinality.ONE_TO_MANY, within=Within.GROUP),
    a_pass(By.AMOUNT, within=Within.PARTY, **DAYS),
    a_pass(By.AMOUNT, name="anywhere", suggested=True, **DAYS),
    a_pass(By.SUM, cardinality=Cardinality.MANY_TO_MANY, within=Within.GROUP, max_members=3),
    a_pass(By.SUBSET, cardinality=Cardinality.ONE_TO_MANY, within=Within.PARTY, **SMALL),
    a_pass(By.SUBSET, name="of", cardinality=Cardinality.MANY_TO_ONE, within=Within.GROUP, **SMALL),
)

few_keys = st.lists(st.sampled_from(["k1", "k2", "k3"]), max_size=2)


@st.composite
def populations(draw):
    """Few amounts, parties, days and keys, so that almost everything collides."""

    def side(letter):
        return [
            item(
                f"{letter}{number}",
                draw(st.sampled_from([None, -5, 0, 1, 2, 3, 5, 8])),
                currency=draw(st.sampled_from(["USD", "USD", "JPY", None])),
                item_date=draw(st.none() | st.integers(1, 9).map(lambda n: date(2026, 6, n))),
                party=draw(st.sampled_from(["acme", "zeta", None])),
                reference_keys=draw(few_keys),
                document_numbers=draw(few_keys),
                group_keys=draw(few_keys),
            )
            for number in range(draw(st.integers(0, 7)))
        ]

    return side("l"), side("r")


passes_in_any_order = st.lists(st.sampled_from(PASSES), unique=True, min_size=1)


@LAWS
@given(sides=populations(), passes=passes_in_any_order)
def test_no_record_is_matched_twice_and_no_money_is_lost_or_made(sides, passes):
    found = matched(*sides, *passes)
    assert doubly_matched(found.con) == []
    assert over_allocated(found.con, [pairing()]) == []
    assert unaccounted(found.con, [pairing()]) == []


@LAWS
@given(sides=populations(), passes=passes_in_any_order, order=st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(sides, passes, order):
    def shuffled(rows):
        again = [
            row | {key: order.sample(row[key], len(row[key])) for key in row if key.endswith("s")}
            for row in rows
        ]
        return order.sample(again, len(again))

    def everything(left, right):
        con = matched(left, right, *passes).con
        return [
            con.sql(f"from reconciliation.{table}").fetchall()
            for table in ("matches", "match_allocations", "match_residue")
        ]

    assert everything(*sides) == everything(*map(shuffled, sides))


@LAWS
@given(sides=populations(), passes=passes_in_any_order)
def test_every_match_keeps_what_its_pass_demands(sides, passes):
    left, right = ({row["item_id"]: row for row in side} for side in sides)
    by_name = {each.name: each for each in passes}
    for name, _, lefts, rights in matched(*sides, *passes).matches:
        each = by_name[name]
        ones, others = [left[i] for i in lefts.split()], [right[i] for i in rights.split()]
        assert len({row["currency"] for row in (*ones, *others)}) == 1
        if each.amounts is Amounts.EQUAL:
            gap = sum(r["amount_minor"] for r in ones) - sum(r["amount_minor"] for r in others)
            assert abs(gap) <= each.tolerance_minor
        if each.within is Within.PARTY:
            assert len({row["party"] for row in (*ones, *others)}) == 1
        if each.days_before is not None:
            days = {b["item_date"] - a["item_date"] for a in ones for b in others}
            assert max(map(abs, days)) <= timedelta(4)


@LAWS
@given(sides=populations(), seed=st.integers(0, 99))
def test_an_automatic_match_has_no_rival(sides, seed):
    """Whoever could replace one side of a match by amount and days would make it ambiguous."""
    left, right = ({row["item_id"]: row for row in side} for side in sides)
    only = a_pass(By.AMOUNT, **DAYS)
    found = matched(*(random.Random(seed).sample(side, len(side)) for side in sides), only)

    def fits(one, other):
        return (
            one["currency"] == other["currency"] is not None
            and one["amount_minor"] == other["amount_minor"]
            and None not in (one["item_date"], other["item_date"])
            and abs(one["item_date"] - other["item_date"]) <= timedelta(4)
        )

    for _, _, one, other in found.matches:
        assert [i for i, row in right.items() if fits(left[one], row)] == [other]
        assert [i for i, row in left.items() if fits(row, right[other])] == [one]
