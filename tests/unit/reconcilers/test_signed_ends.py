"""A plan ends with its contract, and what does not renew ends: where no charged period is cut."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.billing.stripe.writable import as_written
from reconcilers.corrections.signed_ends import _months_after, local_day
from reconcilers.corrections.states import CorrectionState
from tests.drift_samples import drift_row
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only, planned
from tests.unit.reconcilers.test_subscription_ends import running

DAY = 86_400
JUNE = 1_780_315_200  # 2026-06-01 12:00 UTC
YEAR = JUNE + 365 * DAY


def term(attribute, expected, **values):
    usual = {
        "row_key": "salesforce:800A", "owner_system": "salesforce", "owner_id": "800A",
        "replica_system": "stripe", "replica_id": "sub_1",
    }  # fmt: skip
    return drift_row(
        "800A", "CON-TERM-01", attribute=attribute, expected=expected, **usual | values
    )


def signed(**values):
    usual = {
        "row_key": "salesforce:800A", "end_date": date(2027, 6, 30), "time_zone": "Europe/Berlin",
        "billing_end_date": date(2027, 5, 31), "period_end": JUNE + 30 * DAY, "months": 1,
    }  # fmt: skip
    return usual | values


def phase(start, end, quantity=10, **values):
    items = [{"price": "price_1", "plan": "price_1", "quantity": quantity, "discounts": [],
              "metadata": {"crm_contract_line_id": "a01"}, "tax_rates": []}]  # fmt: skip
    usual = {"start_date": start, "end_date": end, "currency": "usd", "items": items}
    return usual | {"proration_behavior": "none", "trial_end": None, "metadata": {}} | values


def plan_of(*phases, **values):
    usual = {
        "schedule_id": "sub_sched_1", "subscription_id": "sub_1", "end_behavior": "release",
        "version": "v1", "phases": json.dumps(phases), "runs_since": phases[0]["start_date"],
        "period_end": JUNE + 30 * DAY, "time_zone": "Europe/Berlin",
    }  # fmt: skip
    return usual | values


def of(row, *plans, terms=None, ends=()):
    facts = context(billing_schedules=plans, signed_terms=terms or [signed()], billing_ends=ends)
    return only(row, facts=facts)


def test_the_last_phase_ends_with_the_contract_and_the_others_stay():
    past, runs, last = phase(1, JUNE), phase(JUNE, JUNE + 90 * DAY), phase(JUNE + 90 * DAY, YEAR)
    correction = of(term("end_date", "2027-06-30"), plan_of(past, runs, last, runs_since=JUNE))
    assert (correction.object, correction.record_id) == ("subscription_schedule", "sub_sched_1")
    assert correction.state is CorrectionState.PROPOSED
    assert correction.mode == "approve_two"
    written = correction.payload["phases"]
    assert correction.payload["proration_behavior"] == "none"
    assert [one["end_date"] for one in written] == [JUNE + 90 * DAY, YEAR + 30 * DAY]
    assert {**written[1], "end_date": YEAR} == correction.before["phases"][1]
    assert written[0] == correction.before["phases"][0]
    assert written[0]["items"] == [
        {"price": "price_1", "quantity": 10, "metadata": {"crm_contract_line_id": "a01"}}
    ]
    assert (correction.before["canceled_at"], correction.before["released_at"]) == (None, None)


@pytest.mark.parametrize(
    ("plans", "terms", "problem"),
    [
        ([], [signed()], "0 schedules"),
        ([plan_of(phase(JUNE, YEAR)), plan_of(phase(JUNE, YEAR))], [signed()], "2 schedules"),
        ([plan_of(phase(JUNE, YEAR, trial_end=YEAR))], [signed()], "trial_end"),
        ([plan_of(phase(JUNE, YEAR, add_invoice_items=[{"price": "p"}]))], [signed()], "add_inv"),
        ([plan_of(phase(JUNE, YEAR))], [signed(end_date=date(2026, 6, 20))], "charged before"),
    ],
)
def test_an_end_that_would_cut_or_lose_something_is_for_people(plans, terms, problem):
    correction = of(term("end_date", "2027-06-30"), *plans, terms=terms)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason
    assert correction.payload == {}


def test_what_does_not_renew_and_has_no_plan_ends_with_the_period_that_ends_with_it():
    correction = of(term("is_auto_renewed", "false"), ends=[running()])
    assert (correction.object, correction.record_id) == ("subscription", "sub_1")
    assert correction.payload == {
        "cancel_at": int(datetime(2027, 7, 1, 12, tzinfo=UTC).timestamp()),
        "proration_behavior": "none",
    }
    assert correction.before == {"cancel_at": None, "ended_at": None, "schedule": None}


@pytest.mark.parametrize(
    ("terms", "ends", "problem"),
    [
        ([signed(end_date=date(2027, 6, 14))], [running()], "no period ends"),
        ([signed(months=None)], [running()], "no period ends"),
        ([signed(end_date=date(2026, 5, 30))], [running()], "no period ends"),
        ([signed()], [], "not in the snapshot"),
        ([signed()], [running(cancel_at=YEAR)], "notice was given"),
        ([signed()], [running(status="canceled")], "it is canceled"),
    ],
)
def test_an_end_within_a_period_or_beside_another_one_is_for_people(terms, ends, problem):
    correction = of(term("is_auto_renewed", "false"), terms=terms, ends=ends)
    assert correction.state is CorrectionState.REFUSED
    assert problem in correction.state_reason


@pytest.mark.parametrize("attribute", ["start_date", "billing_frequency", "currency"])
def test_what_moves_what_was_invoiced_is_not_planned(attribute):
    facts = context(billing_schedules=[plan_of(phase(JUNE, YEAR))], signed_terms=[signed()])
    assert planned(term(attribute, "monthly"), facts=facts) == ()


@given(st.integers(0, 2**31), st.integers(0, 240))
def test_months_are_counted_in_the_calendar(instant, count):
    first = datetime.fromtimestamp(instant, UTC)
    then = datetime.fromtimestamp(_months_after(instant, count), UTC)
    assert (then.year - first.year) * 12 + then.month - first.month == count
    assert then.time() == first.time()
    assert then.day <= first.day
    assert then.day in {first.day, 28, 29, 30}


def test_an_end_that_clocks_move_to_another_day_is_for_people():
    """From midnight in June to 23:00 of the last day of December, were whole days added."""
    midnight = int(datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp())
    terms = [signed(billing_end_date=date(2026, 6, 30), end_date=date(2026, 12, 31))]
    plan = plan_of(phase(1, midnight), period_end=1)
    correction = of(term("end_date", "2026-12-31"), plan, terms=terms)
    assert (correction.state, correction.payload) == (CorrectionState.REFUSED, {})
    assert "clocks change" in correction.state_reason


@pytest.mark.parametrize(
    ("ends_on", "contract_ends", "is_certain"),
    [
        (date(2027, 2, 28), date(2027, 3, 27), False),  # or on the 30th, if they began on the 31st
        (date(2027, 2, 28), date(2027, 2, 27), True),
        (date(2027, 3, 31), date(2027, 4, 29), True),
        (date(2027, 4, 28), date(2027, 5, 27), True),
    ],
)
def test_periods_that_end_with_a_short_month_may_have_begun_on_the_31st(
    ends_on, contract_ends, is_certain
):
    at = int(datetime(ends_on.year, ends_on.month, ends_on.day, 12, tzinfo=UTC).timestamp())
    terms = [signed(period_end=at, end_date=contract_ends)]
    correction = of(term("is_auto_renewed", "false"), terms=terms, ends=[running()])
    assert bool(correction.payload) is is_certain


def test_a_day_is_that_of_the_selling_entity():
    late = int(datetime(2026, 6, 30, 23, tzinfo=UTC).timestamp())
    assert local_day(late, "Europe/Berlin") == date(2026, 7, 1)
    assert local_day(late, None) == date(2026, 6, 30)


def test_a_form_that_is_written_is_read_as_it_was_written():
    plan = {"phases": [phase(1, JUNE), phase(JUNE, YEAR)], "current_phase": {"start_date": JUNE}}
    read = as_written("subscription_schedule", plan)
    assert as_written("subscription_schedule", read) == read
    assert as_written("customer", {"id": "cus_1"}) == {"id": "cus_1"}
