"""Billing executes what was signed: as many units as were sold, renewed or not as agreed."""

import pytest

from reconcilers.corrections.guard import shipped_guard
from reconcilers.corrections.states import CorrectionState
from tests.drift_samples import DAY, drift_row
from tests.plan_facts import context
from tests.unit.reconcilers.test_guard import Wanted
from tests.unit.reconcilers.test_plan import only, planned


def other_quantity(**values):
    usual = {
        "row_key": "salesforce:800A:SEAT", "owner_system": "salesforce", "owner_id": "800A",
        "replica_system": "stripe", "replica_id": "sub_1", "attribute": "quantity",
        "expected": "12", "observed": "10",
    }  # fmt: skip
    return drift_row("800A", "SUB-QTY-01", **usual | values)


def item(**values):
    usual = {
        "item_id": "si_1", "subscription_id": "sub_1", "product_code": "SEAT", "quantity": 10,
        "version": "v1", "schedule_id": None,
    }  # fmt: skip
    return usual | values


def of(*items, **values):
    return only(other_quantity(**values), facts=context(billing_items=items))


def test_the_item_of_the_product_is_set_to_what_was_sold_without_proration():
    correction = of(item(), item(item_id="si_2", product_code="PLAT", quantity=1))
    assert (correction.system, correction.object) == ("stripe", "subscription_item")
    assert (correction.record_id, correction.before) == ("si_1", {"quantity": 10})
    assert correction.after == {"quantity": 12}
    assert correction.payload == {"quantity": 12, "proration_behavior": "none"}
    assert correction.state is CorrectionState.PROPOSED


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ([], "0 items"),
        ([item(product_code="PLAT")], "0 items"),
        ([item(), item(item_id="si_2")], "2 items"),
        ([item(quantity=None)], "metered"),
        ([item(schedule_id="sub_sched_1")], "schedule sub_sched_1"),
    ],
)
def test_what_is_not_one_plain_item_is_for_people(items, problem):
    correction = of(*items)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert (correction.payload, len(correction.refusals)) == ({}, 1)


def test_a_quantity_that_nobody_tells_is_not_planned():
    facts = context(billing_items=[item()])
    assert planned(other_quantity(expected=None), facts=facts) == ()


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations", None])
def test_a_write_that_would_charge_the_difference_is_no_write_of_ours(behavior):
    body = {"quantity": 12, "proration_behavior": behavior}
    write = Wanted("stripe", "subscription_item", body)
    (refusal,) = shipped_guard().refusals(write, DAY)
    assert refusal.field == "subscription_item.proration_behavior"


def other_renewal(**values):
    usual = {"attribute": "is_auto_renewed", "expected": "true", "observed": "false"}
    return drift_row(
        "800A", "CON-TERM-01", replica_system="stripe", replica_id="sub_1", **usual | values
    )


def schedule(**values):
    usual = {
        "schedule_id": "sub_sched_1", "subscription_id": "sub_1", "end_behavior": "cancel",
        "version": "v1",
    }  # fmt: skip
    return usual | values


@pytest.mark.parametrize(
    ("expected", "held", "wanted"), [("true", "cancel", "release"), ("false", "release", "cancel")]
)
def test_what_comes_after_the_term_is_as_signed_and_two_people_say_so(expected, held, wanted):
    facts = context(billing_schedules=[schedule(end_behavior=held)])
    correction = only(other_renewal(expected=expected), facts=facts)
    assert (correction.object, correction.record_id) == ("subscription_schedule", "sub_sched_1")
    assert (correction.before, correction.payload) == (
        {"end_behavior": held},
        {"end_behavior": wanted},
    )
    assert (correction.mode, correction.state) == ("approve_two", CorrectionState.PROPOSED)


def test_without_one_schedule_people_decide_when_it_ends():
    for plans in ([], [schedule(), schedule(schedule_id="sub_sched_2")]):
        correction = only(other_renewal(), facts=context(billing_schedules=plans))
        assert correction.state is CorrectionState.REFUSED
        assert f"{len(plans)} schedules" in correction.state_reason


@pytest.mark.parametrize("attribute", ["start_date", "end_date", "billing_frequency", "currency"])
def test_all_else_of_a_term_is_not_planned(attribute):
    facts = context(billing_schedules=[schedule()])
    assert planned(other_renewal(attribute=attribute), facts=facts) == ()
