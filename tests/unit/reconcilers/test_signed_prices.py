"""An item is charged at a price that billing has and that comes to what was signed, or not at all."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcilers.corrections.signed_prices import fitting, taken_off
from reconcilers.corrections.states import CorrectionState
from tests.contract_samples import price
from tests.drift_samples import drift_row
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only, planned
from tests.unit.reconcilers.test_signed_terms import item


def other_price(code="CON-AMT-01", **values):
    usual = {
        "row_key": "salesforce:800A:SEAT", "owner_system": "salesforce", "owner_id": "800A",
        "replica_system": "stripe", "replica_id": "sub_1", "attribute": "mrr:SEAT",
    }  # fmt: skip
    return drift_row("800A", code, **usual | values)


def amended():
    return other_price("CON-AMD-01", cause="signed")


def line(mrr_minor, quantity=10, percent="0.000000"):
    return {
        "row_key": "salesforce:800A:SEAT", "quantity": quantity, "mrr_minor": mrr_minor,
        "discount_percent": percent,
    }  # fmt: skip


def held(**values):
    return item(**{"price_id": "price_1", "discount_factor": "1.000000000000", **values})


PRICES = [price("price_1", "1000"), price("price_2", "900"), price("price_3", "3000")]


def of(row, signed, *items, prices=PRICES):
    facts = context(
        billing_items=items or [held()], signed_lines=[signed], billing_prices=prices
    )  # fmt: skip
    return only(row, facts=facts)


@pytest.mark.parametrize("row", [other_price(), other_price("PRD-BAS-01", cause="times_12")])
def test_the_price_that_comes_to_what_was_signed_is_charged_from_the_next_invoice_on(row):
    correction = of(row, line(9000))
    assert (correction.object, correction.record_id) == ("subscription_item", "si_1")
    assert correction.before == {"price": "price_1"}
    assert correction.payload == {"price": "price_2", "proration_behavior": "none"}
    assert (correction.mode, correction.state) == ("approve_two", CorrectionState.PROPOSED)


@pytest.mark.parametrize(
    ("signed", "wanted"),
    [(line(12000, 12), ("price_1", 12)), (line(10800, 12), ("price_2", 12))],
)
def test_billing_follows_what_was_signed_in_units_and_price(signed, wanted):
    correction = of(amended(), signed)
    assert correction.before == {"price": "price_1", "quantity": 10}
    assert correction.payload == {
        "price": wanted[0], "quantity": wanted[1], "proration_behavior": "none"
    }  # fmt: skip


def test_a_list_price_is_no_price_of_a_contract():
    row = other_price(
        "PRD-BAS-01", cause="times_12", row_key="salesforce:01t", attribute="list_price"
    )
    assert planned(row, facts=context(signed_lines=[line(9000)], billing_prices=PRICES)) == ()


def test_what_nobody_signed_is_not_carried_into_billing():
    facts = context(billing_items=[held()], signed_lines=[line(9000)], billing_prices=PRICES)
    made = planned(other_price("CON-AMD-01", cause="unsigned"), facts=facts)
    assert [one for one in made if one.system == "stripe"] == []


OTHERS = [
    price("price_2", "900", is_open=False),
    price("price_3", "900", currency="eur"),
    price("price_4", "900", product_id="prod_2"),
    price("price_5", "10800", interval="year"),
    price("price_6", "2700", interval_count=3),
    price("price_7", "900", tax_behavior="inclusive"),
]


@pytest.mark.parametrize("row", [other_price(), amended()])
@pytest.mark.parametrize(
    ("signed", "items", "prices", "problem"),
    [
        (line(9000), [held(schedule_id="sub_sched_1")], PRICES, "schedule sub_sched_1"),
        (line(9000), [held(), held(item_id="si_2")], PRICES, "2 items"),
        (line(9000), [held(quantity=None)], PRICES, "metered"),
        (line(9000), [held()], [PRICES[0], *OTHERS], "0 prices"),
        # a minor unit is one, by the month
        (line(9001), [held()], PRICES, "0 prices"),
        (line(9999), [held()], PRICES, "0 prices"),
        (line(9000), [held()], [*PRICES, price("price_4", "900")], "2 prices"),
        (line(9000), [held()], PRICES[1:], "no price of a unit"),
        (line(9000), [held()], [price("price_1", None), *PRICES[1:]], "no price of a unit"),
        (line(9000), [held()], [price("price_1", "7", interval="week"), *PRICES[1:]], "no price"),
        (line(9000), [held(discount_factor="0.9")], PRICES, "10 % off"),
        (line(9000, percent="10"), [held()], PRICES, "0 % off"),
        (line(0), [held()], PRICES, "nothing is sold"),
    ],
)
def test_no_price_is_made_or_guessed(row, signed, items, prices, problem):
    correction = of(row, signed, *items, prices=prices)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert correction.payload == {}


amounts = st.integers(1, 100_000)


@given(amounts, amounts, st.integers(1, 500), st.sampled_from([0, 5, 20]), st.sampled_from([1, 12]))
def test_what_is_chosen_costs_what_was_signed_within_a_minor_unit(unit, other, units, off, months):
    interval = "year" if months == 12 else "month"
    known = [price("a", str(unit), interval=interval), price("b", str(other), interval=interval)]
    signed = line(round(Fraction(other * units * (100 - off), 100 * months)), units, str(off))
    facts = type("F", (), {"prices": {one["price_id"]: one for one in known}})()
    chosen, noes = fitting(signed, Fraction(off), known[0], facts)
    assert (chosen is None) == bool(noes)
    if chosen:
        amount = Fraction({"a": unit, "b": other}[chosen] * units * (100 - off), 100 * months)
        assert abs(amount - signed["mrr_minor"]) <= 1


def test_coupons_take_off_of_what_the_others_leave():
    known = [{"coupon_id": "A", "percent_off": "20"}, {"coupon_id": "B", "percent_off": "12.5"}]
    assert taken_off([], known) == 0
    assert taken_off([{"coupon": "A"}, {"coupon": "B"}], known) == 30
    assert taken_off([{"coupon": "C"}], known) is None
