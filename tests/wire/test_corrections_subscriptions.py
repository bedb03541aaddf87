"""Subscriptions and schedules are corrected over the wire, read back, and put back as they were."""

from datetime import date, timedelta

import pytest

from reconcilers.corrections.compensate import compensate
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.views import list_corrections
from tests import contract_samples as contracts
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.plan_facts import context
from tests.unit.reconcilers import test_billed_twice as twice
from tests.unit.reconcilers import test_signed_discounts as discounts
from tests.unit.reconcilers import test_signed_prices as prices
from tests.unit.reconcilers import test_signed_steps as steps
from tests.unit.reconcilers.test_signed_ends import JUNE as NOW
from tests.unit.reconcilers.test_signed_ends import phase, plan_of, signed, term
from tests.unit.reconcilers.test_subscription_ends import billed_after_churn, running
from tests.wire.stripe_sandbox import DAY, fill, price
from tests.wire.test_corrections_fields import agree, send


@pytest.fixture
def billing(vendors):
    fill(vendors.store)
    return vendors


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


def test_another_notice_or_period_than_was_planned_from_stands(billing, state):
    """What somebody gave notice for meanwhile is not written over; an end never moves on."""
    items = held(billing, "items")[0]["data"]
    later = [{**one, "current_period_end": NOW + 45 * DAY} for one in items]
    planned(state, billed_after_churn(), billing_ends=[running()])
    for changed in ({"cancel_at": NOW + 5 * DAY}, {"items": {"data": later}, "cancel_at": None}):
        billing.store.put("stripe", "subscription", {"id": "sub_1", **changed})
        with state.begin() as session:
            session.query(CorrectionRecord).one().state = "approved"
        assert send(billing, state) == {"superseded": 1}
        assert held(billing, "cancel_at_period_end") == (False,)


LAST = NOW + 300 * DAY


@pytest.fixture
def planned_phases(billing):
    """A schedule over the subscription: a phase that is over, the one that runs, one to come."""
    spans = ((NOW - 60 * DAY, NOW), (NOW, NOW + 60 * DAY), (NOW + 60 * DAY, LAST))
    phases = [phase(*span, quantity=n) for n, span in enumerate(spans, 1)]
    record = {
        "id": "sub_sched_1", "subscription": "sub_1", "customer": "cus_1", "status": "active",
        "created": NOW, "current_phase": dict(zip(("start_date", "end_date"), spans[1], strict=True)),
        "end_behavior": "release", "phases": phases,
    }  # fmt: skip
    billing.store.put_many("stripe", "subscription_schedule", [record])
    billing.store.put("stripe", "subscription", {"id": "sub_1", "schedule": "sub_sched_1"})
    return plan_of(*phases, runs_since=NOW, period_end=NOW + 30 * DAY)


def ends(billing):
    (phases,) = held(billing, "phases", kind="subscription_schedule", key="sub_sched_1")
    return [(one["end_date"], one["items"][0]["quantity"]) for one in phases]


def test_a_plan_ends_with_its_contract_and_ends_as_before_when_that_is_undone(
    billing, state, planned_phases
):
    facts = {"billing_schedules": [planned_phases], "signed_terms": [signed()]}
    taken = planned(state, term("end_date", "2027-06-30"), **facts)
    assert send(billing, state) == {"accepted": 1}
    assert ends(billing) == [(NOW + 60 * DAY, 2), (LAST + 30 * DAY, 3)]
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert ends(billing) == [(NOW + 60 * DAY, 2), (LAST, 3)]


def test_phases_that_somebody_changed_since_are_left_as_they_are(billing, state, planned_phases):
    planned(
        state,
        term("end_date", "2027-06-30"),
        billing_schedules=[planned_phases],
        signed_terms=[signed()],
    )
    others = [phase(NOW, NOW + 60 * DAY, quantity=5)]
    billing.store.put("stripe", "subscription_schedule", {"id": "sub_sched_1", "phases": others})
    assert send(billing, state) == {"superseded": 1}
    assert ends(billing) == [(NOW + 60 * DAY, 5)]


def test_what_does_not_renew_gets_an_end_that_is_taken_away_again(billing, state):
    facts = {"billing_ends": [running()], "signed_terms": [signed()]}
    taken = planned(state, term("is_auto_renewed", "false"), **facts)
    assert send(billing, state) == {"accepted": 1}
    assert held(billing, "cancel_at_period_end", "cancel_at")[1] > NOW
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert held(billing, "cancel_at_period_end", "cancel_at", "status") == (False, None, "active")


@pytest.mark.parametrize(
    ("percent", "before"), [("15", []), ("12.5", ["OFF-20"]), ("0", ["OFF-20"])]
)
def test_a_discount_is_given_by_its_coupon_and_taken_back(billing, state, percent, before):
    coupons = [
        {"id": f"OFF-{n}", "duration": "forever", "valid": True, "percent_off": float(n)}
        for n in ("20", "15", "12.5")
    ]
    billing.store.put_many("stripe", "coupon", [{**one, "created": NOW} for one in coupons])
    items = held(billing, "items")[0]["data"]
    former = [discounts.given("20")] if before else []
    data = [{**items[0], "discounts": former}, items[1]]
    billing.store.put("stripe", "subscription", {"id": "sub_1", "items": {"data": data}})
    taken = planned(
        state,
        discounts.other_discount(),
        billing_items=[discounts.held(*former)],
        signed_lines=[discounts.line(percent)],
        billing_coupons=discounts.COUPONS,
    )
    assert send(billing, state) == {"accepted": 1}
    assert given(billing) == ([f"OFF-{percent}"] if percent != "0" else [])
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert given(billing) == before
    assert billing.store.rows("stripe", "invoiceitem") == []


def given(billing):
    item = held(billing, "items")[0]["data"][0]
    return [one["source"]["coupon"]["id"] for one in item["discounts"]]


def test_billing_follows_what_was_signed_and_goes_back_to_what_it_was(billing, state):
    """At the next invoice: nothing is charged or credited for the period that runs, both ways."""
    known = [contracts.price("price_1", "1000"), contracts.price("price_2", "3000")]
    taken = planned(
        state,
        prices.amended(),
        billing_items=[prices.held()],
        billing_prices=known,
        signed_lines=[prices.line(36000, 12)],
    )
    assert send(billing, state) == {"accepted": 1}
    assert charged(billing) == {"si_1": ("price_2", 12), "si_2": ("price_2", 20)}
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert charged(billing) == {"si_1": ("price_1", 10), "si_2": ("price_2", 20)}
    assert billing.store.rows("stripe", "invoiceitem") == []


def charged(billing):
    items = held(billing, "items")[0]["data"]
    return {one["id"]: (one["price"]["id"], one["quantity"]) for one in items}


def test_a_step_is_planned_over_the_phase_that_runs_and_taken_out_again(
    billing, state, planned_phases
):
    """One phase becomes two; the one that is over is never written."""
    billing.store.put_many("stripe", "price", [price("price_3", 700)])
    runs = steps.stepped(NOW, LAST, "a01", 10)
    fields = {"id": "sub_sched_1", "phases": [phase(NOW - 60 * DAY, NOW), runs]}
    fields["current_phase"] = {name: runs[name] for name in ("start_date", "end_date")}
    billing.store.put("stripe", "subscription_schedule", fields)
    taken = planned(
        state,
        steps.other_step("missing"),
        billing_schedules=[plan_of(*fields["phases"], runs_since=NOW)],
        signed_steps=[steps.step(end_date=date(2027, 3, 27))],
        billing_prices=steps.PRICES,
    )
    assert send(billing, state) == {"accepted": 1}
    assert ends(billing) == [(steps.AUGUST, 10), (LAST, 12)]
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert ends(billing) == [(LAST, 10)]


def billed_again(billing):
    """The first item of sub_1 once more, as si_3."""
    items = held(billing, "items")[0]["data"]
    data = [*items, {**items[0], "id": "si_3", "metadata": {"crm_contract_line_id": "a01"}}]
    billing.store.put("stripe", "subscription", {"id": "sub_1", "items": {"data": data}})
    return twice.copy_of(*data, row_key="stripe:si_2", item_id="si_3")


def test_an_item_that_bills_a_line_again_is_taken_out_and_made_anew(billing, state):
    copy = billed_again(billing)
    before = sorted(charged(billing).values())
    taken = planned(state, twice.again(), billed_twice=[copy])
    assert send(billing, state) == {"accepted": 1}
    assert charged(billing) == {"si_1": ("price_1", 10), "si_2": ("price_2", 20)}
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert sorted(charged(billing).values()) == before
    (made,) = {*charged(billing)} - {"si_1", "si_2"}
    assert held(billing, "items")[0]["data"][-1]["metadata"] == {"crm_contract_line_id": "a01"}
    assert (made != "si_3", billing.store.rows("stripe", "invoiceitem")) == (True, [])


def test_the_later_item_stays_where_the_first_one_is_given_notice_meanwhile(billing, state):
    planned(state, twice.again(), billed_twice=[billed_again(billing)])
    billing.store.put("stripe", "subscription", {"id": "sub_1", "cancel_at_period_end": True})
    assert send(billing, state) == {"superseded": 1}
    assert {"si_1", "si_2", "si_3"} == {*charged(billing)}


def unbilled(state):
    return planned(
        state,
        contracts.unbilled_contract(),
        unbilled=[contracts.contract()],
        unbilled_lines=[contracts.line(mrr_minor=10000)],
        billing_prices=[contracts.price("price_1", "1000")],
    )


def scheduled(billing):
    rows = billing.store.rows("stripe", "subscription_schedule")
    return [(one["status"], one["metadata"]["crm_contract_id"]) for one in rows]


def test_a_contract_that_nothing_bills_is_planned_once_and_cancelled_before_it_begins(
    billing, state
):
    taken = unbilled(state)
    billing.fault("stripe", method="POST", lose_answer=True)
    assert send(billing, state) == {"accepted": 1}
    assert scheduled(billing) == [("not_started", "800A")]
    (made,) = billing.store.rows("stripe", "subscription_schedule")
    settings = made["default_settings"]
    assert settings["collection_method"] == "send_invoice"
    assert settings["invoice_settings"]["days_until_due"] == 30
    assert made["phases"][0]["items"][0]["metadata"] == {"crm_contract_line_id": "a01"}
    assert made["phases"][0]["metadata"]["q2c_correlation_id"] == "q2c_006A"
    undo(state, taken)
    assert send(billing, state) == {"accepted": 1}
    assert scheduled(billing) == [("canceled", "800A")]


@pytest.mark.parametrize("kind", ["subscription", "subscription_schedule"])
def test_a_contract_that_somebody_set_up_meanwhile_is_not_set_up_again(billing, state, kind):
    unbilled(state)
    first = {"start_date": NOW + 60 * DAY, "end_date": LAST, "items": []}
    other = {"id": "x", "customer": "cus_1", "status": "not_started", "phases": [first]}
    other |= {"current_phase": None, "created": NOW, "items": {"data": []}, "currency": "usd"}
    billing.store.put_many("stripe", kind, [{**other, "metadata": {"crm_contract_id": "800A"}}])
    assert send(billing, state) == {"superseded": 1}
    rows = billing.store.rows("stripe", "subscription_schedule")
    assert len(rows) == (kind == "subscription_schedule")


def test_a_plan_whose_first_day_has_come_is_not_made(billing, state):
    unbilled(state)
    billing.store.advance_clock(timedelta(days=70))
    assert send(billing, state) == {"refused": 1}
    assert billing.store.rows("stripe", "subscription_schedule") == []
