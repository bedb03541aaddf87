"""Phases that have not begun become the steps that were signed; what runs stays as it is."""

from datetime import date

import pytest

from reconcilers.corrections.states import CorrectionState
from tests.drift_samples import drift_row
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only
from tests.unit.reconcilers.test_signed_ends import DAY, JUNE, YEAR, phase, plan_of
from tests.unit.reconcilers.test_signed_prices import PRICES

AUGUST = JUNE + 61 * DAY  # 2026-08-01 12:00 UTC
SEPTEMBER = AUGUST + 31 * DAY


def other_step(cause="other_quantity"):
    return drift_row(
        "a02", "CON-RAMP-01", row_key="salesforce:a02", owner_system="salesforce",
        replica_system="stripe", replica_id="sub_1", attribute="phase:SEAT", cause=cause,
        expected="12 at 12000 from 2026-08-01",
    )  # fmt: skip


def step(**values):
    usual = {
        "row_key": "salesforce:a02", "contract_line_id": "a02", "former_line_id": "a01",
        "start_date": date(2026, 8, 1), "end_date": date(2027, 5, 31), "quantity": 12,
        "mrr_minor": 12000, "has_begun": False, "discount_percent": "0.000000",
    }  # fmt: skip
    return usual | values


def stepped(start, end, line="a02", quantity=11, price="price_1", **values):
    made = phase(start, end, quantity, **values)
    made["items"][0] |= {"price": price, "metadata": {"crm_contract_line_id": line}}
    made["items"].append({"price": "price_3", "quantity": 1, "metadata": {}})
    return made


RUNS = stepped(JUNE, AUGUST, "a01", 10)


def of(*phases, row=None, **values):
    facts = context(
        billing_schedules=[plan_of(*phases)] if phases else [],
        signed_steps=[step(**values)],
        billing_prices=PRICES,
    )
    return only(row or other_step(), facts=facts)


def written(correction):
    return [
        (one["start_date"], one["end_date"], one["items"][0]["quantity"],
         one["items"][0]["metadata"]["crm_contract_line_id"], one["items"][0]["price"])
        for one in correction.payload["phases"]
    ]  # fmt: skip


NOW = (JUNE, AUGUST, 10, "a01", "price_1")
THEN = (AUGUST, YEAR, 12, "a02", "price_1")


@pytest.mark.parametrize(
    "phases",
    [
        (RUNS, stepped(AUGUST, YEAR)),  # other units
        (RUNS, stepped(AUGUST, YEAR, quantity=12, price="price_2")),  # another price
        (stepped(JUNE, SEPTEMBER, "a01", 10), stepped(SEPTEMBER, YEAR)),  # late
        (stepped(JUNE, YEAR, "a01", 10),),  # not planned, within a phase
        (RUNS, stepped(AUGUST, YEAR, "a01", 10)),  # not planned, where a phase begins
        (RUNS,),  # not planned, and the plan ends
    ],
)
def test_the_step_is_planned_as_it_was_signed_and_what_runs_stays(phases):
    correction = of(*phases)
    assert (correction.object, correction.record_id) == ("subscription_schedule", "sub_sched_1")
    assert (correction.mode, correction.state) == ("approve_two", CorrectionState.PROPOSED)
    assert written(correction) == [NOW, THEN]
    assert all(
        one["items"][1] == {"price": "price_3", "quantity": 1}
        for one in correction.payload["phases"]
    )
    assert len(correction.before["phases"]) == len(phases)
    assert correction.payload["proration_behavior"] == "none"


def test_a_step_of_another_price_gets_the_one_that_billing_has():
    assert written(of(RUNS, stepped(AUGUST, YEAR), mrr_minor=10800))[1][4] == "price_2"


def test_every_phase_of_the_step_is_put_right():
    later = stepped(SEPTEMBER, YEAR)
    assert written(of(RUNS, stepped(AUGUST, SEPTEMBER), later)) == [
        NOW, (AUGUST, SEPTEMBER, *THEN[2:]), (SEPTEMBER, *THEN[1:]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("phases", "values", "problem"),
    [
        ((), {}, "0 schedules"),
        ((RUNS, stepped(AUGUST, YEAR)), {"has_begun": True}, "should have begun"),
        ((stepped(JUNE, YEAR),), {}, "the phase that runs"),
        ((RUNS, stepped(AUGUST, YEAR)), {"mrr_minor": 12345}, "0 prices"),
        ((RUNS, stepped(AUGUST, YEAR)), {"discount_percent": "10"}, "% off"),
        ((stepped(JUNE, YEAR, "a09"),), {}, "no item names the step before"),
        ((stepped(JUNE, YEAR, "a01"),), {"former_line_id": None}, "no item names"),
        ((stepped(JUNE, YEAR, "a01"),), {"end_date": date(2026, 12, 31)}, "lasts longer"),
        ((stepped(JUNE, JUNE + 30 * DAY, "a01"),), {}, "no phase is planned for that day"),
        ((stepped(JUNE, YEAR, "a01", trial_end=YEAR),), {}, "trial_end"),
    ],
)
def test_a_plan_that_this_step_alone_cannot_put_right_is_for_people(phases, values, problem):
    correction = of(*phases, **values)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert correction.payload == {}


def test_a_boundary_at_which_another_step_begins_is_not_moved():
    later = stepped(SEPTEMBER, YEAR)
    later["items"][1] |= {"quantity": 2}
    correction = of(stepped(JUNE, SEPTEMBER, "a01", 10), later)
    assert "another step begins with it" in correction.state_reason
