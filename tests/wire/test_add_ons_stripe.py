"""An add-on moves onto its contract's subscription over the wire: once, in two writes, and back."""

from datetime import UTC, datetime, timedelta

import pytest

from extractors.protocol import WriteIntent
from reconcilers.corrections.compensate import compensate
from reconcilers.state.views import list_corrections
from tests.contract_samples import DAY, LINE_ID, PAID_UNTIL, add_on, billed_apart, billing_item
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.plan_facts import context
from tests.unit.reconcilers.test_billed_twice import again, copy_of
from tests.unit.reconcilers.test_subscription_ends import running
from tests.wire import stripe_sandbox
from tests.wire.test_corrections_fields import agree, send

STUB = 2500  # five units at 30.00 a month, for 5 days of 30


@pytest.fixture
def apart(vendors):
    """Subscription sub_2 bills the line alone, five days behind the contract's sub_1."""
    stripe_sandbox.fill(vendors.store)
    alone = {"data": [billing_item("si_9", PAID_UNTIL)]}
    made = stripe_sandbox.subscription([], id="sub_2", items=alone)
    vendors.store.put_many("stripe", "subscription", [made])
    return vendors


def planned(state, *rows, **facts):
    known = {view.correction_id for view in list_corrections(state)}
    plan_into(state, drift(*rows), context(**facts), at(0, 3))
    taken = [v.correction_id for v in list_corrections(state) if v.correction_id not in known]
    agree(state, taken, 4)
    return taken


def moved(state):
    return planned(state, billed_apart(), add_ons=[add_on()])


def ended(state, company):
    """The second write, as a night plans it that sees the line billed twice."""
    (new,) = of_line(company)
    copy = copy_of(
        billing_item("si_9", PAID_UNTIL), item_id="si_9", subscription_id="sub_2", quantity=5,
        kept_id=new["id"], kept_subscription_id="sub_1", kept_quantity=5, charged_minor=0,
    )  # fmt: skip
    held = running(subscription_id="sub_2", period_end=PAID_UNTIL)
    row = again("another_subscription")
    return planned(state, row, billed_twice=[copy], billing_ends=[held])


def undo(state, taken, hour=10):
    made = compensate(state, taken, "ben", "wrong", at(0, hour))
    agree(state, [one.correction_id for one in made], hour + 1)


def subscription(company, key):
    return company.store.get("stripe", "subscription", key)


def of_line(company):
    items = subscription(company, "sub_1")["items"]["data"]
    return [one for one in items if one["metadata"].get("crm_contract_line_id") == LINE_ID]


def parts(company):
    return [one["amount"] for one in company.store.rows("stripe", "invoiceitem")]


@pytest.mark.parametrize("fault", [None, {"lose_answer": True}, {"status": 503}])
def test_the_days_between_are_charged_once_and_no_day_twice(apart, state, impatient, fault):
    moved(state)
    if fault:
        apart.fault("stripe", method="POST", path="/v1/subscription_items", **fault)
    assert send(apart, state)["accepted"] == 1
    (item,) = of_line(apart)
    assert (item["price"]["id"], item["quantity"]) == ("price_2", 5)
    (part,) = apart.store.rows("stripe", "invoiceitem")
    assert (part["amount"], part["invoice"], part["discountable"]) == (STUB, None, False)
    assert part["period"] == {"start": PAID_UNTIL, "end": item["current_period_end"]}
    assert part["parent"]["subscription_details"]["subscription"] == "sub_1"
    assert send(apart, state) == {}

    ended(state, apart)
    assert send(apart, state) == {"accepted": 1}
    over = subscription(apart, "sub_2")
    assert (over["status"], over["cancel_at"]) == ("active", PAID_UNTIL)
    assert parts(apart) == [STUB]


@pytest.mark.parametrize("fault", [None, {"lose_answer": True}, {"status": 503}])
def test_it_is_taken_out_again_and_what_it_was_charged_goes_back(apart, state, impatient, fault):
    taken = moved(state)
    send(apart, state)
    undo(state, taken)
    if fault:
        apart.fault("stripe", method="DELETE", path="/v1/subscription_items", **fault)
    assert send(apart, state)["accepted"] == 1
    assert (of_line(apart), sorted(parts(apart))) == ([], [-STUB, STUB])
    assert {view.state for view in list_corrections(state)} == {"accepted", "compensated"}


def test_it_is_not_taken_out_while_nothing_else_goes_on_billing_the_line(apart, state):
    first = moved(state)
    send(apart, state)
    second = ended(state, apart)
    send(apart, state)
    undo(state, first)
    assert send(apart, state) == {"superseded": 1}
    assert len(of_line(apart)) == 1
    undo(state, second)
    assert send(apart, state) == {"accepted": 1}
    undo(state, first, 12)
    assert send(apart, state) == {"accepted": 1}
    assert (of_line(apart), sum(parts(apart))) == ([], 0)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("sub_1", {"schedule": "sub_sched_9"}),
        ("sub_2", {"status": "past_due"}),
        ("sub_2", {"cancel_at": PAID_UNTIL + DAY}),
        ("sub_2", {"default_tax_rates": [{"id": "txr_1", "object": "tax_rate"}]}),
        ("sub_2", {"items": {"data": [billing_item("si_9", PAID_UNTIL + 30 * DAY)]}}),
        ("sub_2", {"items": {"data": [billing_item("si_9", PAID_UNTIL, quantity=6)]}}),
        ("sub_1", {"items": {"data": [billing_item("si_8", PAID_UNTIL + 5 * DAY)]}}),
    ],
)
def test_nothing_is_made_once_anything_changed(apart, state, key, change):
    moved(state)
    apart.store.put("stripe", "subscription", {"id": key, **change})
    assert send(apart, state) == {"superseded": 1}
    assert parts(apart) == []


def test_what_is_charged_again_before_long_is_left_where_it_is(apart, state):
    moved(state)
    eve = datetime.fromtimestamp(PAID_UNTIL, UTC) - timedelta(days=2) + timedelta(hours=1)
    apart.store.advance_clock(eve - apart.store.now())
    assert send(apart, state) == {"refused": 1}
    assert (of_line(apart), parts(apart)) == ([], [])
    (view,) = list_corrections(state)
    assert "too near" in view.state_reason


def test_the_next_invoice_shows_the_days_between(apart, state):
    moved(state)
    (view,) = list_corrections(state)
    intent = WriteIntent(
        operation="create", object="subscription_item", record_id=LINE_ID, body=view.payload,
        idempotency_key="k", correlation_id="q2c_1",
    )  # fmt: skip
    shown = apart.with_target("stripe", lambda target: target.preview(intent))
    assert STUB in [amount for _, amount in shown.lines]
