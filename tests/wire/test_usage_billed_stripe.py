"""Use that an invoice billed wrongly, settled over the wire: once, and undone again."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from extractors.registry import open_target
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.billing_samples import (
    USED,
    charged,
    charged_usage,
    overbilled_usage,
    overcharged,
    overused,
    unbilled_usage,
    used,
)
from tests.correction_samples import plan_into
from tests.drift_samples import drift
from tests.plan_facts import context
from tests.wire import stripe_sandbox
from tests.wire.vendors import LONG_AGO


def fill(vendors, status, *units):
    stripe_sandbox.fill(vendors.store)
    invoice = {"id": "in_1", "customer": "cus_1", "currency": "usd", "status": status}
    money = dict.fromkeys(("total", "subtotal", "amount_due", "amount_remaining"), 12000)
    created = int(LONG_AGO.timestamp())
    vendors.store.put_many("stripe", "invoice", [{**invoice, **money, "created": created}])
    stripe_sandbox.count(vendors.store, *units, at=USED["starts"])


@pytest.fixture
def used_more(vendors):
    """Invoice in_1 of cus_1 bills 1000 units of a month in which meter mtr_1 counts 1200."""
    fill(vendors, "open", 1000, 200)
    # neither of this month nor of this customer's meter
    stripe_sandbox.count(vendors.store, 7, at=USED["ends"])
    return vendors


@pytest.fixture
def billed_more(vendors):
    """Invoice in_1 bills 1200 units of a month in which the meter counts 1000; charge ch_7 paid it."""
    fill(vendors, "paid", 1000)
    charge = {"id": "ch_7", "customer": "cus_1", "currency": "usd", "status": "succeeded"}
    charge |= {"amount": 12000, "amount_refunded": 0, "disputed": False, "payment_intent": None}
    created = int(LONG_AGO.timestamp())
    vendors.store.put_many("stripe", "charge", [{**charge, "created": created}])
    return vendors


@pytest.fixture
def charged_otherwise(billed_more):
    """The meter counts all 1200 units of the paid invoice: only their price can be off."""
    stripe_sandbox.count(billed_more.store, 200, at=USED["starts"])
    return billed_more


def plan(state, company, **values):
    plan_of(unbilled_usage(), used(**{"currency": "usd", **values}), state, company)


def plan_back(state, company, **values):
    plan_of(overbilled_usage(), overused(**{"currency": "usd", **values}), state, company)


def plan_of(finding, facts, state, company):
    plan_into(state, drift(finding), context(**facts), company.store.now())
    agree(state, company)


def agree(state, company):
    for actor in ("ann", "eve"):
        proposed = [view.correction_id for view in list_corrections(state, states=("proposed",))]
        approve(state, proposed, actor, "", company.store.now())


def send(state, company):
    async def run():
        async with AsyncExitStack() as stack:
            billing = await stack.enter_async_context(open_target(company.config("stripe")))
            return await dispatch(state, {"stripe": billing}, company.store.now)

    return asyncio.run(run()).outcomes


def undo(state, company):
    taken = [view.correction_id for view in list_corrections(state, states=("accepted",))]
    compensate(state, taken, "ben", "wrong", company.store.now())
    agree(state, company)
    return send(state, company)


def waiting(company):
    return company.store.rows("stripe", "invoiceitem")


def test_it_waits_for_the_next_invoice_once_although_an_answer_was_lost(used_more, state):
    plan(state, used_more)
    used_more.fault("stripe", method="POST", path="/v1/invoiceitems", lose_answer=True)
    assert send(state, used_more) == {"accepted": 1}
    (item,) = waiting(used_more)
    assert (item["amount"], item["currency"], item["invoice"]) == (1499, "usd", None)
    assert item["period"] == {"start": USED["starts"], "end": USED["ends"]}
    assert item["parent"]["subscription_details"] == {"subscription": "sub_1"}
    assert item["pricing"]["price_details"]["product"] == "prod_1"
    price = used_more.store.get("stripe", "price", item["pricing"]["price_details"]["price"])
    assert (price["active"], price["type"]) == (False, "one_time")
    (view,) = list_corrections(state)
    assert item["metadata"]["tieout_correction"] == view.correction_id
    assert (view.target_record_id, send(state, used_more)) == (item["id"], {})


@pytest.mark.parametrize("late", [0, 1])
def test_it_is_not_billed_where_the_meter_counts_more_by_now(used_more, state, late):
    plan(state, used_more)
    if late:
        stripe_sandbox.count(used_more.store, 5, at=USED["ends"] - 60)
    else:
        used_more.store.put("stripe", "invoice", {"id": "in_1", "total": 11000})
    assert send(state, used_more) == {"superseded": 1}
    assert waiting(used_more) == []


def test_the_same_units_are_not_billed_again_by_another_correction(used_more, state):
    plan(state, used_more)
    send(state, used_more)
    again = open_state("sqlite://")
    plan(again, used_more, total_minor=12000, rated_minor=11600)
    assert send(again, used_more) == {"superseded": 1}
    (view,) = list_corrections(again)
    assert "is in billing already" in view.state_reason
    assert len(waiting(used_more)) == 1
    again.close()


@pytest.mark.parametrize("fault", [None, {"lose_answer": True}, {"status": 503}])
def test_it_is_deleted_again_while_it_waits(used_more, state, impatient, fault):
    plan(state, used_more)
    send(state, used_more)
    if fault:
        used_more.fault("stripe", method="DELETE", path="/v1/invoiceitems", **fault)
    assert undo(state, used_more) == {"accepted": 1}
    assert waiting(used_more) == []
    assert {view.state for view in list_corrections(state)} == {"accepted", "compensated"}


def test_what_an_invoice_took_up_is_left_to_people(used_more, state):
    plan(state, used_more)
    send(state, used_more)
    (item,) = waiting(used_more)
    used_more.store.put("stripe", "invoiceitem", {"id": item["id"], "invoice": "in_2"})
    assert undo(state, used_more) == {"superseded": 1}
    assert len(waiting(used_more)) == 1


def test_what_was_billed_too_much_goes_off_the_next_invoice_once(billed_more, state):
    plan_back(state, billed_more)
    billed_more.fault("stripe", method="POST", path="/v1/invoiceitems", lose_answer=True)
    assert send(state, billed_more) == {"accepted": 1}
    (item,) = waiting(billed_more)
    assert (item["amount"], item["currency"], item["invoice"]) == (-1501, "usd", None)
    assert item["parent"]["subscription_details"] == {"subscription": "sub_1"}
    assert item["metadata"]["tieout_usage_units"] == "-200"
    again = open_state("sqlite://")
    plan_back(again, billed_more, total_minor=12000, rated_minor=9900)
    assert send(again, billed_more) == {"superseded": 1}
    (view,) = list_corrections(again)
    assert "is in billing already" in view.state_reason
    assert len(waiting(billed_more)) == 1
    again.close()
    assert undo(state, billed_more) == {"accepted": 1}
    assert waiting(billed_more) == []


@pytest.mark.parametrize(
    ("kind", "key", "change"),
    [
        ("charge", "ch_7", {"amount_refunded": 1501}),
        ("charge", "ch_7", {"disputed": True}),
        ("invoice", "in_1", {"post_payment_credit_notes_amount": 1501}),
    ],
)
def test_what_went_back_by_another_way_meanwhile_stays_where_it_is(
    billed_more, state, kind, key, change
):
    plan_back(state, billed_more)
    billed_more.store.put("stripe", kind, {"id": key, **change})
    assert send(state, billed_more) == {"superseded": 1}
    assert waiting(billed_more) == []


@pytest.mark.parametrize(("billed", "amount"), [(10001, 1499), (12345, -845)])
def test_a_price_is_put_right_by_an_item_of_no_units_once(charged_otherwise, state, billed, amount):
    facts = overcharged(currency="usd", billed_minor=billed)
    plan_of(charged_usage(billed_minor=billed), facts, state, charged_otherwise)
    charged_otherwise.fault("stripe", method="POST", path="/v1/invoiceitems", lose_answer=True)
    assert send(state, charged_otherwise) == {"accepted": 1}
    (item,) = waiting(charged_otherwise)
    assert (item["amount"], item["currency"], item["invoice"]) == (amount, "usd", None)
    assert item["parent"]["subscription_details"] == {"subscription": "sub_1"}
    assert item["metadata"]["tieout_usage_units"] == "0"
    again = open_state("sqlite://")
    facts = overcharged(currency="usd", billed_minor=billed, rated_minor=11400)
    plan_of(charged_usage(11400, billed), facts, again, charged_otherwise)
    assert send(again, charged_otherwise) == {"superseded": 1}
    (view,) = list_corrections(again)
    assert "is in billing already" in view.state_reason
    assert len(waiting(charged_otherwise)) == 1
    again.close()
    assert undo(state, charged_otherwise) == {"accepted": 1}
    assert waiting(charged_otherwise) == []


def test_a_price_of_use_waits_for_two_people(charged_otherwise, state):
    facts = context(**overcharged(currency="usd"))
    finding = drift(charged_usage(billed_minor=12345))
    plan_into(state, finding, facts, charged_otherwise.store.now())
    (view,) = list_corrections(state)
    approve(state, [view.correction_id], "ann", "", charged_otherwise.store.now())
    assert send(state, charged_otherwise) == {}
    assert waiting(charged_otherwise) == []


def test_units_that_were_told_late_are_billed_beside_what_put_their_price_right(used_more, state):
    """Neither finding hides the other: each item names what it settles."""
    stripe_sandbox.count(used_more.store, -200, at=USED["starts"])
    facts = charged(currency="usd", metered_quantity=1000, billed_quantity=1000, rated_minor=10500)
    plan_of(charged_usage(10500), facts, state, used_more)
    assert send(state, used_more) == {"accepted": 1}
    stripe_sandbox.count(used_more.store, 200, at=USED["starts"])
    plan(state, used_more, billed_minor=10500, billed_rated_minor=10500)
    assert send(state, used_more) == {"accepted": 1}
    items = waiting(used_more)
    assert {each["metadata"]["tieout_usage_units"] for each in items} == {"0", "200"}
    assert {each["amount"] for each in items} == {499, 1000}
