"""A subscription that runs after the customer left ends with its period, where that is certain."""

import pytest

from reconcilers.corrections.states import CorrectionState
from tests.drift_samples import drift_row, stale_status
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only

PERIOD_END = 1_781_611_200  # 2026-06-16 12:00 UTC


def billed_after_churn(**values):
    usual = {
        "row_key": "salesforce:800A", "owner_system": "salesforce", "owner_id": "800A",
        "replica_system": "stripe", "replica_id": "sub_1", "attribute": "renewal",
        "cause": "billed_after_churn", "expected": "expired until 2026-06-11", "observed": "active",
    }  # fmt: skip
    return drift_row("800A", "CON-REN-01", **usual | values)


def billed_after_cancel():
    return stale_status(cause="billing_after_cancel")


def running(**values):
    usual = {
        "subscription_id": "sub_1", "status": "active", "channel": "sales_led", "schedule_id": None,
        "ends_with_period": False, "cancel_at": None, "days_left": 17, "version": "v1",
        "period_end": PERIOD_END,
    }  # fmt: skip
    return usual | values


def of(row, *held):
    return only(row, facts=context(billing_ends=held))


@pytest.mark.parametrize("row", [billed_after_churn(), billed_after_cancel()])
@pytest.mark.parametrize("status", ["active", "past_due", "trialing", "unpaid"])
def test_it_ends_with_the_period_that_runs_and_nothing_else_is_written(row, status):
    correction = of(row, running(status=status))
    assert (correction.system, correction.object) == ("stripe", "subscription")
    assert (correction.record_id, correction.expected_version) == ("sub_1", "v1")
    assert correction.payload == correction.after == {"cancel_at_period_end": True}
    standing = {"ended_at": None, "schedule": None, "cancel_at": None}
    standing["current_period_end"] = PERIOD_END
    assert correction.before == {"cancel_at_period_end": False, **standing}
    assert (correction.mode, correction.state) == ("approve_two", CorrectionState.PROPOSED)


REFUSED = [
    ([], "not in the snapshot"),
    ([running(status="canceled")], "it is canceled"),
    ([running(channel="self_serve")], "signed up alone"),
    ([running(schedule_id="sub_sched_1")], "schedule sub_sched_1"),
    ([running(ends_with_period=True)], "notice was given"),
    ([running(cancel_at=1782000000)], "notice was given"),
]


@pytest.mark.parametrize("row", [billed_after_churn(), billed_after_cancel()])
@pytest.mark.parametrize(("held", "problem"), REFUSED)
def test_what_is_not_certain_is_for_people(row, held, problem):
    correction = of(row, *held)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert (correction.payload, len(correction.refusals)) == ({}, 1)


@pytest.mark.parametrize("days", [32, 300, None])
def test_a_long_period_after_the_term_is_not_charged_to_its_end(days):
    correction = of(billed_after_churn(), running(days_left=days))
    assert (correction.state, correction.payload) == (CorrectionState.REFUSED, {})
    assert of(billed_after_cancel(), running(days_left=days)).payload
