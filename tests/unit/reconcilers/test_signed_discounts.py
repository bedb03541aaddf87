"""An item gets the coupon of the percentage that was agreed, where there is just one."""

import json

import pytest

from reconcilers.corrections.states import CorrectionState
from tests.drift_samples import drift_row
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only, planned
from tests.unit.reconcilers.test_signed_terms import item

COUPONS = [{"coupon_id": f"OFF-{percent}", "percent_off": percent} for percent in ("15", "12.5")]


def given(percent="20", **values):
    coupon = {"id": f"OFF-{percent}", "percent_off": float(percent)}
    return {"id": "di_1", "end": None, "source": {"type": "coupon", "coupon": coupon}, **values}


def held(*discounts, **values):
    return item(discounts=json.dumps(discounts), **values)


def other_discount(**values):
    usual = {
        "row_key": "salesforce:800A:SEAT", "owner_system": "salesforce", "owner_id": "800A",
        "replica_system": "stripe", "replica_id": "sub_1", "attribute": "discount_percent:SEAT",
        "cause": "other_percent",
    }  # fmt: skip
    return drift_row("800A", "CON-DISC-01", **usual | values)


def line(percent):
    return {
        "row_key": "salesforce:800A:SEAT", "quantity": 10, "mrr_minor": 1, "discount_percent": percent
    }  # fmt: skip


def of(percent, *items, coupons=COUPONS):
    facts = context(
        billing_items=items, signed_lines=[line(percent)], billing_coupons=coupons
    )  # fmt: skip
    return only(other_discount(), facts=facts)


@pytest.mark.parametrize(
    ("percent", "discounts", "before", "after"),
    [
        ("15.000000", [given()], [{"coupon": "OFF-20"}], [{"coupon": "OFF-15"}]),
        ("12.500000", [], [], [{"coupon": "OFF-12.5"}]),
        ("0.000000", [given()], [{"coupon": "OFF-20"}], []),
    ],
)
def test_the_coupon_of_the_percentage_is_given_from_the_next_invoice_on(
    percent, discounts, before, after
):
    correction = of(percent, held(*discounts))
    assert (correction.object, correction.record_id) == ("subscription_item", "si_1")
    assert correction.before == {"discounts": before}
    assert correction.payload == {"discounts": after, "proration_behavior": "none"}
    assert (correction.mode, correction.state) == ("approve", CorrectionState.PROPOSED)


@pytest.mark.parametrize(
    ("items", "coupons", "problem"),
    [
        ([], COUPONS, "0 items"),
        ([held(), held(item_id="si_2")], COUPONS, "2 items"),
        ([held(quantity=None)], COUPONS, "metered"),
        ([held(schedule_id="sub_sched_1")], COUPONS, "schedule sub_sched_1"),
        ([held(given(end=1_800_000_000))], COUPONS, "could not be given back"),
        ([held(given(promotion_code="promo_1"))], COUPONS, "could not be given back"),
        ([held()], COUPONS[1:], "0 coupons"),
        ([held()], [*COUPONS, {"coupon_id": "X", "percent_off": "15"}], "2 coupons"),
    ],
)
def test_a_discount_that_is_not_certain_is_for_people(items, coupons, problem):
    correction = of("15.000000", *items, coupons=coupons)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert correction.payload == {}


def test_a_discount_that_ends_early_is_only_reported():
    facts = context(billing_items=[held(given())], signed_lines=[line("20")])
    assert planned(other_discount(cause="ends_early"), facts=facts) == ()
