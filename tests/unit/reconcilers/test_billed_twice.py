"""A contract line that is billed twice loses the later item, while the first one goes on."""

import json

import pytest

from reconcilers.corrections.document import WHILE
from reconcilers.corrections.states import CorrectionState
from tests.drift_samples import drift_row
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only
from tests.unit.reconcilers.test_subscription_ends import running


def again(cause="same_subscription"):
    return drift_row(
        "si_1", "SUB-DUP-01", row_key="stripe:si_2", owner_id="si_1", replica_system="stripe",
        replica_id="si_2", cause=cause, expected="one item for the contract line",
        impact_minor=-12000,
    )  # fmt: skip


def entry(item_id, price="price_1", quantity=10, **values):
    return {
        "id": item_id, "price": {"id": price, "unit_amount": 1000}, "quantity": quantity,
        "metadata": {"crm_contract_line_id": "a01"}, "discounts": [], **values,
    }  # fmt: skip


def copy_of(*items, **values):
    usual = {
        "row_key": "stripe:si_2", "item_id": "si_2", "subscription_id": "sub_1", "quantity": 10,
        "charged_minor": 4200, "kept_id": "si_1", "kept_subscription_id": "sub_1",
        "kept_quantity": 10, "items": json.dumps(items), "schedule_id": None, "version": "v1",
    }  # fmt: skip
    return usual | values


def of(*copies, ends=(), row=None):
    return only(row or again(), facts=context(billed_twice=copies, billing_ends=ends))


def form(price="price_1", quantity=10):
    return {"price": price, "quantity": quantity, "metadata": {"crm_contract_line_id": "a01"}}


KEPT = [
    {"system": "stripe", "object": "subscription_item", "equals": {"id": "si_1"}, "shows": {"quantity": 10}},
    {"system": "stripe", "object": "subscription", "equals": {"id": "sub_1"},
     "shows": {"cancel_at_period_end": False, "ended_at": None}},
]  # fmt: skip


def test_the_later_item_is_taken_out_without_proration_and_its_charge_is_named():
    correction = of(copy_of(entry("si_1"), entry("si_2"), entry("si_3", "price_2", 1)))
    assert (correction.object, correction.record_id) == ("subscription", "sub_1")
    assert (correction.mode, correction.state) == ("approve_two", CorrectionState.PROPOSED)
    gone = [{"id": "si_2", "deleted": True}]
    assert correction.payload == {"items": gone, "proration_behavior": "none"}
    assert correction.before["items"] == [form(), form(), form("price_2", 1)]
    assert correction.after == {"items": [form(), form("price_2", 1)], WHILE: KEPT}
    assert "4200 minor units" in correction.reason


def test_a_copy_that_has_a_subscription_of_its_own_ends_with_its_period():
    copy = copy_of(entry("si_2"), subscription_id="sub_9")
    held = running(subscription_id="sub_9", days_left=300)
    correction = of(copy, ends=[held], row=again("another_subscription"))
    assert (correction.object, correction.record_id) == ("subscription", "sub_9")
    assert correction.payload == {"cancel_at_period_end": True}
    assert correction.after == {"cancel_at_period_end": True, WHILE: KEPT}


@pytest.mark.parametrize(
    ("copy", "ends", "problem"),
    [
        (copy_of(entry("si_1"), entry("si_2"), schedule_id="sub_sched_1"), [], "sub_sched_1"),
        (copy_of(entry("si_1"), entry("si_2"), quantity=None), [], "metered"),
        (copy_of(entry("si_1"), entry("si_3")), [], "no longer there"),
        (copy_of(entry("si_2")), [], "not in the snapshot"),
        (copy_of(entry("si_2")), [running(schedule_id="sub_sched_1")], "sub_sched_1"),
        (copy_of(entry("si_2")), [running(ends_with_period=True)], "notice was given"),
    ],
)
def test_a_copy_that_does_not_stand_by_itself_is_for_people(copy, ends, problem):
    correction = of(copy, ends=ends)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert correction.payload == {}
