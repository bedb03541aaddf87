"""An add-on that a subscription bills alone goes on in that of its contract, from a paid period's end."""

import json

import pytest

from reconcilers.corrections.document import WHILE, WITHIN
from reconcilers.corrections.states import CorrectionState
from tests.contract_samples import (
    DAY,
    LINE_ID,
    PAID_UNTIL,
    UNTIL,
    add_on,
    billed_apart,
    billing_item,
)
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only


def of(**facts):
    coupons = [{"coupon_id": "coupon_10", "percent_off": "10"}]
    return only(billed_apart(), facts=context(add_ons=[add_on(**facts)], billing_coupons=coupons))


def off(coupon, end=None):
    return {"id": "di_1", "end": end, "source": {"type": "coupon", "coupon": {"id": coupon}}}


def items(*held):
    return json.dumps(held)


def alone(until=PAID_UNTIL, **values):
    return {"items": items(billing_item("si_9", until, **values))}


def priced(**values):
    return alone(price=billing_item("", 0)["price"] | values)


def test_the_contracts_subscription_charges_it_from_the_end_of_what_was_paid():
    correction = of()
    assert (correction.object, correction.operation) == ("subscription_item", "create")
    assert (correction.record_id, correction.mode) == (LINE_ID, "approve_two")
    assert correction.state is CorrectionState.PROPOSED
    assert correction.payload == {
        "subscription": "sub_1",
        "price": "price_2",
        "quantity": 5,
        "metadata": {
            "crm_contract_line_id": LINE_ID,
            "tieout_correction": correction.correction_id,
        },
        "proration_behavior": "create_prorations",
        "proration_date": PAID_UNTIL,
    }
    assert correction.after[WITHIN] == {"subscription": "sub_1"}
    assert correction.watermark_object == "stripe.subscription"


def test_it_is_made_only_while_both_subscriptions_run_as_the_night_saw_them():
    own, apart, item, none = of().after[WHILE]
    assert [one["equals"]["id"] for one in (own, apart, item)] == ["sub_1", "sub_2", "si_9"]
    assert own["shows"]["current_period_end"] == UNTIL
    assert apart["shows"] == {
        "status": "active", "schedule": None, "current_period_end": PAID_UNTIL,
        "cancel_at": None, "default_tax_rates": [],
    }  # fmt: skip
    assert item["shows"] == {"price": "price_2", "quantity": 5, "discounts": []}
    named = {"subscription": "sub_1", "metadata.crm_contract_line_id": LINE_ID}
    assert (none["equals"], none["shows"]) == (named, None)


def test_what_is_taken_off_for_good_is_taken_off_there_as_well():
    correction = of(**alone(discounts=[off("coupon_10")]))
    assert correction.payload["discounts"] == [{"coupon": "coupon_10"}]
    assert correction.after[WHILE][2]["shows"]["discounts"] == [{"coupon": "coupon_10"}]


def test_two_periods_that_end_together_leave_no_days_between():
    payload = of(**alone(until=UNTIL)).payload
    assert (payload["proration_behavior"], payload.get("proration_date")) == ("none", None)


def test_one_that_ends_with_its_period_already_is_taken_up_there():
    assert not of(cancel_at=PAID_UNTIL, ends_with_period=True).refusals


ANNUAL = {"interval": "year", "interval_count": 1, "usage_type": "licensed"}


@pytest.mark.parametrize(
    ("facts", "check"),
    [
        ({"row_key": "salesforce:a02"}, "document"),
        ({"status": "past_due"}, "active"),
        ({"contract_status": "trialing"}, "active"),
        ({"schedule_id": "sub_sched_1"}, "no schedule"),
        ({"contract_schedule_id": "sub_sched_1"}, "no schedule"),
        ({"discounts": '[{"id": "di_1"}]'}, "no discount"),
        ({"contract_discounts": '[{"id": "di_1"}]'}, "no discount"),
        ({"cancel_at": PAID_UNTIL + DAY}, "end"),
        ({"contract_cancel_at": UNTIL, "contract_ends_with_period": True}, "end"),
        ({"channel": "self_serve"}, "sold"),
        ({"customer_id": "cus_2"}, "one customer"),
        ({"contract_currency": "eur"}, "one customer"),
        ({"item_count": 2}, "one item"),
        ({"item_id": "si_8"}, "one item"),
        (alone(discounts=[off("coupon_10", end=UNTIL)]), "plain item"),
        (alone(discounts=[off("coupon_once")]), "plain item"),
        (alone(tax_rates=[{"id": "txr_1"}]), "plain item"),
        (priced(billing_scheme="tiered"), "plain price"),
        (priced(active=False), "plain price"),
        (priced(recurring={**ANNUAL, "interval": "month", "usage_type": "metered"}), "plain price"),
        (priced(recurring=ANNUAL), "one anchor"),
        (
            {"contract_items": items(billing_item("a", UNTIL), billing_item("b", UNTIL + 1))},
            "one anchor",
        ),
        ({"contract_items": "[]"}, "one anchor"),
        ({"is_as_signed": False}, "as signed"),
        (alone(until=UNTIL + DAY), "period"),
        ({"read_at": PAID_UNTIL - 4 * DAY + 1}, "period"),
    ],
)
def test_what_is_not_plain_is_refused_with_the_cure(facts, check):
    correction = of(**facts)
    assert correction.state is CorrectionState.REFUSED
    assert [refusal.check for refusal in correction.refusals] == [check]
    assert correction.payload == {}
