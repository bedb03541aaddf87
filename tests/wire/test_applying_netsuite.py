"""What payments and memos are applied to is changed over the wire, as a whole, and put back."""

from decimal import Decimal

import pytest

from extractors.errors import Rejected
from extractors.protocol import WriteIntent
from extractors.sandbox import netsuite_records
from tests.application_samples import (
    apply,
    facts,
    misapplied_memo,
    misapplied_payment,
    netted_facts,
    netted_payment,
    part,
)
from tests.wire.test_documents_netsuite import (
    applied,
    by_account,
    invoice,
    memo,
    payment,
    plan_and_approve,
    put,
    send,
    undo,
    unpaid,
)
from tests.wire.vendors import LONG_AGO

EURO = {"currency": {"id": "3"}}


@pytest.fixture
def owing(company):
    """The company with two open invoices in euro, at rates of their own; gives their ids too."""
    customer = {"companyname": "Acme", "subsidiary": "2", "currency": "3", "isinactive": "F"}
    stamps = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO}
    rows = [{"id": key, **customer, **stamps} for key in ("501", "502")]
    company.store.put_many("netsuite", "customer", rows)
    made = [
        write(company, put("invoice", f"in_{n}", invoice(f"UK-{n}", exchangeRate=rate, **EURO)))
        for n, rate in ((2, "0.85"), (3, "0.90"))
    ]
    return company, *made


def write(company, intent):
    return company.with_target("netsuite", lambda target: target.write(intent)).record_id


def patch(company, kind, key, body):
    return write(company, WriteIntent("update", kind, key, body, "key-1", "q2c_1"))


def read(company, kind, key):
    lines = company.with_target("netsuite", lambda target: target.read(kind, key))["apply"]["items"]
    return {line["doc"]["id"]: float(line["amount"]) for line in lines}


def night_reads(company, key):
    """What a night has of the document: by invoice, what is taken off it."""
    company.extract("netsuite", "transaction")
    company.extract("netsuite", "transaction_link")
    rows = company.current("netsuite", "transaction_link")
    return {r["previousdoc"]: float(r["foreignamount"]) for r in rows if r["nextdoc"] == key}


DOCUMENTS = {
    "customerPayment": (misapplied_payment, payment, {"exchangeRate": "0.87", **EURO}),
    "creditMemo": (misapplied_memo, memo, {"exchangeRate": "0.87", **EURO}),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_set_is_replaced_although_the_answer_was_lost_and_put_back(owing, state, kind):
    company, first, second = owing
    row, document, values = DOCUMENTS[kind]
    body = {**document(first), **values, "apply": applied(first, "50.00")}
    key = write(company, put(kind, "x_1", body))
    books = by_account(company)
    assert night_reads(company, key) == {first: 50.0}
    known = facts(
        part(first, 5000, 2000, currency="EUR", unpaid_minor=7000),
        part(second, 0, 6000, currency="EUR", unpaid_minor=12000),
        document_id=key, currency="EUR", object=kind, row_key=row()["row_key"],
    )  # fmt: skip
    for each in known["erp_applications"]:
        each["document_id"] = key
    plan_and_approve(state, company, row(replica_id=key), **known)
    company.fault("netsuite", method="PATCH", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    assert read(company, kind, key) == {first: 20.0, second: 60.0}
    assert [unpaid(company, one) for one in (first, second)] == [100, 60]
    company.next_night()
    changed = by_account(company)
    assert night_reads(company, key) == {first: 20.0, second: 60.0}
    assert (sum(changed.values()), changed != books) == (0, True)
    undo(state, company)
    assert send(state, company) == {"accepted": 1}
    assert read(company, kind, key) == {first: 50.0}
    assert [unpaid(company, one) for one in (first, second)] == [70, 120]
    company.next_night()
    assert by_account(company) == books
    assert night_reads(company, key) == {first: 50.0}


def test_a_payment_gets_its_fee_back_although_the_answer_was_lost_and_loses_it_again(owing, state):
    company, first, _ = owing
    rate = {"exchangeRate": "0.87", **EURO}
    key = write(company, put("customerPayment", "ch_1", {**payment(first, "85.50"), **rate}))
    books = by_account(company)
    known = netted_facts(
        part(first, 8550, 9000, currency="EUR", unpaid_minor=3450, document_id=key),
        document_id=key,
        currency="EUR",
    )
    plan_and_approve(state, company, netted_payment(key), **known)
    company.fault("netsuite", method="PATCH", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    assert (read(company, "customerPayment", key), unpaid(company, first)) == ({first: 90.0}, 30)
    company.next_night()
    changed = by_account(company)
    assert sum(changed.values()) == 0
    assert changed["105"] == Decimal("78.3")  # 90.00 euro at the rate of the payment
    undo(state, company)
    assert send(state, company) == {"accepted": 1}
    company.next_night()
    assert by_account(company) == books
    assert unpaid(company, first) == Decimal("34.5")


def test_the_amount_of_a_payment_that_was_deposited_stands(owing):
    company, first, _ = owing
    key = write(company, put("customerPayment", "ch_1", {**payment(first), **EURO}))
    link = {"previousdoc": key, "previousline": "0", "nextdoc": "9", "nextline": "1"}
    link |= {"foreignamount": "90", "linktype": "Deposit"}
    company.store.put_many("netsuite", "previoustransactionlinelink", [link])
    with pytest.raises(Rejected, match="was deposited"):
        patch(company, "customerPayment", key, {"payment": "95.0", **apply(**{f"i{first}": "95"})})
    assert unpaid(company, first) == 30


def test_lines_without_replace_are_merged_by_their_document(owing):
    company, first, second = owing
    key = write(company, put("customerPayment", "ch_1", {**payment(first), **EURO}))

    more = {"doc": {"id": second}, "amount": 40}
    less = {"doc": {"id": first}, "apply": False}
    for line, left in (
        ({"doc": {"id": first}, "amount": "50.00"}, {first: 50.0}),
        (more, {first: 50.0, second: 40.0}),
        (less, {second: 40.0}),
    ):
        body = {"apply": {"items": [line]}}
        netsuite_records.update(company.store, "customerpayment", key, body, None)
        assert read(company, "customerPayment", key) == left


REFUSED = {
    "more than is left": ("120.01", {}, "is left"),
    "more than its total": ("90.01", {}, "than the total"),
    "into a locked period": ("10.00", {"arlocked": "T"}, "closed or locked"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_applied_leaves_all_as_it_was(owing, name):
    company, first, second = owing
    amount, period, words = REFUSED[name]
    key = write(company, put("customerPayment", "ch_1", {**payment(first), **EURO}))
    company.store.put("netsuite", "accountingperiod", {"id": "2606", **period})
    with pytest.raises(Rejected, match=words):
        patch(company, "customerPayment", key, apply(**{f"i{second}": amount}))
    assert read(company, "customerPayment", key) == {first: 90.0}
    assert [unpaid(company, one) for one in (first, second)] == [30, 120]


def test_an_invoice_of_another_customer_is_not_paid(owing):
    company, first, second = owing
    key = write(company, put("customerPayment", "ch_1", {**payment(first), **EURO}))
    company.store.put("netsuite", "transaction", {"id": second, "entity": "502"})
    with pytest.raises(Rejected, match="cannot be applied"):
        patch(company, "customerPayment", key, apply(**{f"i{second}": "10.00"}))
