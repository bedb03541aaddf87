"""Subscriptions and schedules are corrected over the wire, read back, and put back as they were."""

import pytest

from reconcilers.corrections.compensate import compensate
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, context, drift, plan_into
from tests.unit.reconcilers.test_subscription_ends import billed_after_churn, running
from tests.wire.stripe_sandbox import fill
from tests.wire.test_corrections_fields import agree, send


@pytest.fixture
def billing(vendors):
    fill(vendors.store)
    return vendors


@pytest.fixture
def state():
    opened = open_state("sqlite://")
    yield opened
    opened.close()


def planned(state, *rows, **facts):
    plan_into(state, drift(*rows), context(**facts), at(0, 3))
    taken = [view.correction_id for view in list_corrections(state)]
    agree(state, taken, 4)
    return taken


def undo(state, taken):
    made = compensate(state, taken, "ben", "wrong", at(0, 10))
    agree(state, [one.correction_id for one in made], 11)


def held(billing, *names, kind="subscription", key="sub_1"):
    record = billing.store.get("stripe", kind, key)
    return tuple(record[name] for name in names)


def test_a_subscription_ends_with_its_period_and_goes_on_again_when_that_is_undone(billing, state):
    before = held(billing, "cancel_at_period_end", "cancel_at", "canceled_at", "status")
    taken = planned(state, billed_after_churn(), billing_ends=[running()])
    assert send(billing, state) == {"accepted": 1}
    flag, cancel_at = held(billing, "cancel_at_period_end", "cancel_at")
    ends = {item["current_period_end"] for item in held(billing, "items")[0]["data"]}
    assert (flag, {cancel_at}) == (True, ends)
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert held(billing, "cancel_at_period_end", "cancel_at", "canceled_at", "status") == before


def test_what_ended_since_is_neither_cancelled_nor_brought_back(billing, state):
    taken = planned(state, billed_after_churn(), billing_ends=[running()])
    assert send(billing, state) == {"accepted": 1}
    undo(state, taken)
    billing.store.put(
        "stripe", "subscription", {"id": "sub_1", "status": "canceled", "ended_at": 9}
    )
    assert send(billing, state) == {"superseded": 1}
    assert held(billing, "cancel_at_period_end", "status") == (True, "canceled")


def test_a_subscription_that_got_a_schedule_is_left_to_it(billing, state):
    planned(state, billed_after_churn(), billing_ends=[running()])
    billing.store.put("stripe", "subscription", {"id": "sub_1", "schedule": "sub_sched_9"})
    assert send(billing, state) == {"superseded": 1}
    assert held(billing, "cancel_at_period_end") == (False,)
