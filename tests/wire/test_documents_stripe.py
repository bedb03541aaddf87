"""What is done to billing's documents over the wire: once, whatever is lost, as the books say."""

import asyncio

import pytest

from extractors.registry import open_target
from reconcilers.corrections.approval import approve
from reconcilers.corrections.dispatch import dispatch
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.billing_samples import receipts, untold_payment
from tests.correction_samples import context, drift, plan_into
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


@pytest.fixture
def state():
    opened = open_state("sqlite://")
    yield opened
    opened.close()


def agree(state, company):
    for actor in ("ann", "eve"):
        waiting = [view.correction_id for view in list_corrections(state, states=("proposed",))]
        approve(state, waiting, actor, "", company.store.now())


def send(state, company):
    async def run():
        async with (
            open_target(company.config("netsuite")) as erp,
            open_target(company.config("stripe")) as billing,
        ):
            return await dispatch(state, {"netsuite": erp, "stripe": billing}, company.store.now)

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
