"""What is done to billing's documents over the wire: once, whatever is lost, as the books say."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from extractors.registry import open_target
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.state.views import list_corrections
from tests.billing_samples import (
    charged_twice,
    drafts,
    listed,
    other_list_price,
    overcharge,
    receipts,
    refunds,
    stale_draft,
    uncredited_refund,
    untold_payment,
)
from tests.correction_samples import plan_into
from tests.drift_samples import drift
from tests.plan_facts import context
from tests.wire.vendors import LONG_AGO

CREATED = int(LONG_AGO.timestamp())


@pytest.fixture
def sold(company):
    """The company with a customer of billing and invoice in_1, open and wholly unpaid."""
    customer = {"id": "cus_A", "name": "Acme", "created": CREATED, "currency": "gbp"}
    company.store.put_many("stripe", "customer", [customer])
    money = dict.fromkeys(("total", "subtotal", "amount_due", "amount_remaining"), 12000)
    invoice = {"id": "in_1", "customer": "cus_A", "currency": "gbp", "status": "open", **money}
    company.store.put_many("stripe", "invoice", [{**invoice, "created": CREATED}])
    return company


def agree(state, company):
    for actor in ("ann", "eve"):
        waiting = [view.correction_id for view in list_corrections(state, states=("proposed",))]
        approve(state, waiting, actor, "", company.store.now())


def send(state, company, systems=("netsuite", "stripe", "salesforce")):
    async def run():
        async with AsyncExitStack() as stack:
            targets = {
                system: await stack.enter_async_context(open_target(company.config(system)))
                for system in systems
            }
            return await dispatch(state, targets, company.store.now)

    return asyncio.run(run()).outcomes


def bank_payment(company):
    """What the ERP has of the payment and of the copy that it is applied to."""
    stamps = {"createddate": LONG_AGO, "lastmodifieddate": LONG_AGO, "voided": "F", "entity": "71"}
    for key, kind, total in (("8875", "CustPymt", "200"), ("7954", "CustInvc", "120")):
        row = {"id": key, "type": kind, "foreigntotal": total, "currency": "2", **stamps}
        company.store.put_many("netsuite", "transaction", [row])
    link = {"nextdoc": "8875", "nextline": "1", "previousdoc": "7954", "previousline": "0"}
    link |= {"linktype": "Payment", "foreignamount": "120"}
    company.store.put_many("netsuite", "previoustransactionlinelink", [link])


@pytest.mark.parametrize("lost", [0, 1])
def test_an_invoice_is_paid_out_of_band_once_although_an_answer_is_lost(sold, state, lost):
    """Be it the answer to the metadata or that to the payment."""
    bank_payment(sold)
    plan_into(state, drift(untold_payment()), context(**receipts()), sold.store.now())
    agree(state, sold)
    where = "/v1/invoices/in_1/pay" if lost else "/v1/invoices/in_1"
    sold.fault("stripe", method="POST", path=where, lose_answer=True)
    assert send(state, sold)["accepted"] == 1
    invoice = sold.store.get("stripe", "invoice", "in_1")
    assert (invoice["status"], invoice["amount_remaining"]) == ("paid", 0)
    assert invoice["metadata"] == {"erp_payment_id": "8875", "q2c_correlation_id": "q2c_006A"}
    (payment,) = sold.store.rows("stripe", "invoice_payment", parent="in_1")
    assert (payment["amount_paid"], payment["payment"]["type"]) == (12000, "payment_record")
    assert send(state, sold) == {}


@pytest.mark.parametrize(
    ("payment", "is_beside"),
    [
        ({"type": "payment_intent", "payment_intent": "pi_1"}, False),
        ({"type": "payment_record", "payment_record": "prec_1"}, True),
    ],
)
def test_what_a_card_paid_is_not_read_as_paid_out_of_band(sold, payment, is_beside):
    """Our metadata may be on it, from a call that never came to pay."""
    made = {"id": "inpay_1", "invoice": "in_1", "currency": "gbp", "amount_paid": 12000}
    made |= {"status": "paid", "payment": payment, "created": CREATED}
    sold.store.put_many("stripe", "invoice_payment", [made])
    invoice = sold.store.get("stripe", "invoice", "in_1")
    sold.store.put_many("stripe", "invoice", [{**invoice, "status": "paid"}])

    async def read():
        async with open_target(sold.config("stripe")) as billing:
            return await billing.read("invoice/pay", "in_1")

    invoice = asyncio.run(read())
    assert (invoice["status"], invoice["paid_out_of_band"]) == ("paid", is_beside)


def make_draft(company):
    """Draft in_5 of the same customer, as much as in_1."""
    invoice = company.store.get("stripe", "invoice", "in_1")
    draft = {**invoice, "id": "in_5", "status": "draft", "auto_advance": True}
    company.store.put_many("stripe", "invoice", [draft])


def undo(state, company):
    taken = [view.correction_id for view in list_corrections(state, states=("accepted",))]
    compensate(state, taken, "ben", "wrong", company.store.now())
    agree(state, company)
    return send(state, company)


@pytest.mark.parametrize("paid", [False, True])
def test_a_draft_goes_out_once_and_is_voided_again_while_nothing_is_paid(sold, state, paid):
    make_draft(sold)
    plan_into(state, drift(stale_draft()), context(**drafts()), sold.store.now())
    agree(state, sold)
    sold.fault("stripe", method="POST", path="/finalize", lose_answer=True)
    assert send(state, sold)["accepted"] == 1
    invoice = sold.store.get("stripe", "invoice", "in_5")
    assert (invoice["status"], invoice["amount_remaining"]) == ("open", 12000)
    assert invoice["number"]
    if paid:
        sold.store.put("stripe", "invoice", {"id": "in_5", "status": "paid", "amount_paid": 12000})
    assert undo(state, sold) == ({"superseded": 1} if paid else {"accepted": 1})
    assert sold.store.get("stripe", "invoice", "in_5")["status"] == ("paid" if paid else "void")


CREDITS = ("paid_credits_minor", "open_credits_minor", "refund_credits_minor")


def pay_back(company):
    """Invoice in_6, paid by a charge of which a part went back, and nothing credited for it."""
    invoice = company.store.get("stripe", "invoice", "in_1")
    paid = {**invoice, "id": "in_6", "status": "paid", "number": "A-6", "amount_paid": 12000}
    paid |= {"amount_remaining": 0, "total_taxes": [{"amount": 2000}]}
    charge = {"id": "ch_6", "amount": 12000, "amount_refunded": 6000, "status": "succeeded"}
    refund = {"id": "re_1", "amount": 6000, "currency": "gbp", "status": "succeeded"}
    charge |= {"currency": "gbp", "disputed": False, "created": CREATED, "payment_intent": None}
    company.store.put_many("stripe", "charge", [charge])
    company.store.put_many("stripe", "invoice", [paid])
    company.store.put_many("stripe", "refund", [{**refund, "created": CREATED, "charge": "ch_6"}])


def test_a_refund_gets_one_note_although_the_answer_was_lost(sold, state):
    pay_back(sold)
    facts = refunds(uncredited_minor=6000, **dict.fromkeys(CREDITS, 0))
    plan_into(state, drift(uncredited_refund()), context(**facts), sold.store.now())
    agree(state, sold)
    sold.fault("stripe", method="POST", path="/v1/credit_notes", lose_answer=True)
    assert send(state, sold)["accepted"] == 1
    (note,) = sold.store.rows("stripe", "credit_note", parent="in_6")
    assert (note["amount"], note["type"]) == (6000, "post_payment")
    assert [tax["amount"] for tax in note["total_taxes"]] == [1000]
    (link,) = note["refunds"]
    assert (link["refund"], link["amount_refunded"]) == ("re_1", 6000)
    (view,) = list_corrections(state)
    assert note["metadata"]["tieout_correction"] == view.correction_id
    assert view.target_record_id == note["id"]
    assert send(state, sold) == {}


def charge_twice(company):
    """Invoice in_6, paid by ch_1, and charged once more by ch_2."""
    invoice = company.store.get("stripe", "invoice", "in_1")
    company.store.put_many("stripe", "invoice", [{**invoice, "id": "in_6", "status": "paid"}])
    took = {"amount": 12000, "amount_refunded": 0, "currency": "gbp", "status": "succeeded"}
    took |= {"disputed": False, "customer": "cus_A", "created": CREATED, "payment_intent": None}
    charges = [{**took, "id": key} for key in ("ch_1", "ch_2")]
    company.store.put_many("stripe", "charge", charges)


def test_a_charge_too_many_goes_back_once_although_the_answer_was_lost(sold, state):
    charge_twice(sold)
    plan_into(state, drift(charged_twice()), context(**overcharge()), sold.store.now())
    agree(state, sold)
    sold.fault("stripe", method="POST", path="/v1/refunds", lose_answer=True)
    assert send(state, sold)["accepted"] == 1
    (refund,) = sold.store.rows("stripe", "refund", parent="ch_2")
    assert (refund["amount"], refund["reason"]) == (12000, "duplicate")
    assert sold.store.get("stripe", "charge", "ch_2")["amount_refunded"] == 12000
    assert sold.store.get("stripe", "charge", "ch_1")["amount_refunded"] == 0
    (view,) = list_corrections(state)
    assert (view.target_record_id, send(state, sold)) == (refund["id"], {})


TIERS = """[
    {"up_to": 10, "unit_amount": "5000.0", "flat_amount": null},
    {"up_to": null, "unit_amount": "4000.5", "flat_amount": "100"}
]"""


def list_price(sold, state, **values):
    """A product that billing sells at another price than entry 01u1 of the price book lists."""
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    entry = {"Id": "01u1", "UnitPrice": "53", "IsActive": True, "IsDeleted": False}
    sold.store.put_many("salesforce", "PricebookEntry", [entry | stamps])
    product = {"id": "prod_1", "name": "Seat", "active": True, "created": CREATED}
    price = {"id": "price_1", "product": "prod_1", "currency": "gbp", "unit_amount": 5000}
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    price |= {"unit_amount_decimal": "5000", "recurring": recurring, "type": "recurring"}
    sold.store.put_many("stripe", "product", [product])
    sold.store.put_many("stripe", "price", [{**price, "active": True, "created": CREATED}])
    facts = listed(tax_behavior="exclusive", **values)
    plan_into(state, drift(other_list_price()), context(**facts), sold.store.now())
    agree(state, sold)
    return {**price, "active": True, "created": CREATED}


@pytest.mark.parametrize("tiers", [None, TIERS])
def test_a_list_price_is_made_once_and_archived_again(sold, state, tiers):
    list_price(sold, state, tiers=tiers)
    sold.fault("stripe", method="POST", path="/v1/prices", lose_answer=True)
    assert send(state, sold)["accepted"] == 1
    (view,) = list_corrections(state)
    made = sold.store.get("stripe", "price", view.target_record_id)
    assert (made["active"], made["type"], made["tax_behavior"]) == (True, "recurring", "exclusive")
    if tiers:
        assert made["unit_amount"] is None
        assert [tier["up_to"] for tier in made["tiers"]] == [10, None]
        assert [tier["flat_amount"] for tier in made["tiers"]] == [None, 100]
        assert made["tiers"][1]["unit_amount_decimal"] == "4000.5"
    else:
        assert (made["unit_amount"], made["unit_amount_decimal"]) == (5300, "5300")
    assert undo(state, sold) == {"accepted": 1}
    assert not sold.store.get("stripe", "price", made["id"])["active"]
    assert sold.store.get("stripe", "price", "price_1")["active"]


def test_a_list_price_that_the_price_book_changed_meanwhile_is_not_made(sold, state):
    list_price(sold, state)
    sold.store.put("salesforce", "PricebookEntry", {"Id": "01u1", "UnitPrice": "54"})
    assert send(state, sold) == {"superseded": 1}
    (view,) = list_corrections(state)
    assert view.state_reason == "PricebookEntry 01u1 changed meanwhile (SystemModstamp)"
    assert [row["id"] for row in sold.store.rows("stripe", "price")] == ["price_1"]


@pytest.mark.parametrize("tiers", [None, TIERS])
def test_a_list_price_that_somebody_made_meanwhile_is_not_made_again(sold, state, tiers):
    price = {**list_price(sold, state, tiers=tiers), "id": "price_9"}
    amount = {"unit_amount": 5300, "unit_amount_decimal": "5300"}
    graduated = [
        {"up_to": 10, "unit_amount": 5000, "unit_amount_decimal": "5000", "flat_amount": None},
        {"up_to": None, "unit_amount_decimal": "4000.5", "flat_amount": 100},
    ]
    if tiers:
        amount = {"unit_amount": None, "unit_amount_decimal": None, "tiers": graduated}
        amount |= {"tiers_mode": "graduated", "billing_scheme": "tiered"}
    sold.store.put_many("stripe", "price", [price | amount])
    assert send(state, sold) == {"superseded": 1}
    (view,) = list_corrections(state)
    assert view.state_reason == "price price_9 is as much, and on sale"
    assert len(sold.store.rows("stripe", "price")) == 2


def test_a_list_price_is_not_made_where_the_price_book_cannot_be_read(sold, state):
    list_price(sold, state)
    assert send(state, sold, systems=("stripe",)) == {"refused": 1}
    assert len(sold.store.rows("stripe", "price")) == 1
