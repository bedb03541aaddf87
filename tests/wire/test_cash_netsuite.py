"""Refunds and deposits in the ERP over the wire: what it takes, what it refuses, a lost answer."""

from decimal import Decimal

import pytest

from extractors.errors import Rejected
from tests.cash_samples import deposit_facts, member, missing_deposit, missing_refund, refund
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
)
from tests.wire.vendors import LONG_AGO


@pytest.fixture
def credited(company):
    """The company with a memo over 120.00 that nothing is taken from yet; gives its id too."""
    customer = {"id": "501", "companyname": "Acme", "subsidiary": "2", "currency": "2"}
    stamps = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO, "isinactive": "F"}
    company.store.put_many("netsuite", "customer", [{**customer, **stamps}])
    write(company, put("invoice", "in_2", invoice()))
    body = {name: value for name, value in memo("").items() if name != "apply"}
    return company, write(company, put("creditMemo", "cn_1", body))


def write(company, intent):
    return company.with_target("netsuite", lambda target: target.write(intent)).record_id


def left_of(company, key):
    return Decimal(company.store.get("netsuite", "transaction", key)["foreignamountunpaid"])


def paid_back(key, amount="30.00", **changed):
    return {
        "customer": {"id": "501"},
        "currency": {"id": "2"},
        "account": {"id": "105"},
        "tranDate": "2026-06-21",
        "postingPeriod": {"id": "2606"},
        "custbody_stripe_refund_id": "re_1",
        "apply": applied(key, amount),
        **changed,
    }


def test_a_refund_is_posted_once_although_the_answer_was_lost(credited, state):
    company, key = credited
    charge = {"id": "re_1", "status": "succeeded", "amount": 3000, "currency": "gbp"}
    company.store.put("stripe", "refund", {**charge, "created": int(LONG_AGO.timestamp())})
    seen = company.with_target("netsuite", lambda target: target.lookup("transaction", id=key))
    facts = refund(transaction_id=key, unpaid=seen[0]["foreignamountunpaid"], open_minor=12000)
    plan_and_approve(state, company, missing_refund(), billing_refunds=[facts])
    company.fault("netsuite", method="PUT", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    (made,) = company.store.rows("netsuite", "transaction", externalid="re_1")
    assert (made["type"], made["custbody_stripe_refund_id"]) == ("CustRfnd", "re_1")
    assert left_of(company, key) == -90
    assert by_account(company, made["id"]) == {"105": Decimal(-30), "110": Decimal(30)}
    assert send(state, company) == {}


def test_a_refund_that_is_sent_again_takes_once(credited):
    company, key = credited
    intent = put("customerRefund", "re_1", paid_back(key))
    assert write(company, intent) == write(company, intent)
    assert left_of(company, key) == -90


REFUSED = {
    "more than is open": ({"apply": "120.01"}, "is left"),
    "nothing": ({"apply": "0"}, "is left"),
    "no credit": ({"apply": None}, "choose the credit"),
    "another customer": ({"customer": {"id": "71"}}, "cannot be applied"),
    "another currency": ({"currency": {"id": "3"}}, "cannot be applied"),
    "no account": ({"account": {"id": "1"}}, "Invalid reference"),
    "into a locked period": ({"postingPeriod": {"id": "2604"}}, "closed or locked"),
    "unknown field": ({"undepFunds": True}, "Unknown field"),
}


def test_what_pays_nothing_back_is_refused(credited):
    company, key = credited
    company.store.put("netsuite", "accountingperiod", {"id": "2604", "arlocked": "T"})

    async def use(target):
        told = {}
        for name, (changed, _) in REFUSED.items():
            body = paid_back(key) | changed
            if "apply" in changed:
                amount = changed["apply"]
                body["apply"] = applied(key, amount) if amount else {"items": []}
            with pytest.raises(Rejected) as refusal:
                await target.write(put("customerRefund", "re_1", body))
            told[name] = str(refusal.value)
        return told

    told = company.with_target("netsuite", use)
    for name, (_, words) in REFUSED.items():
        assert words in told[name], name
    assert left_of(company, key) == -120


@pytest.fixture
def paid(credited):
    """The company with a payment of 90.00 in Undeposited Funds; gives its id too."""
    company, _ = credited
    body = {name: value for name, value in payment("").items() if name != "apply"}
    return company, write(company, put("customerPayment", "ch_1", body))


def deposit(key, **changed):
    return {
        "account": {"id": "101"},
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "exchangeRate": "1",
        "tranDate": "2026-06-28",
        "postingPeriod": {"id": "2606"},
        "custbody_stripe_payout_id": "po_1",
        "payment": {"items": [{"id": key, "deposit": True, "custcol_stripe_balance_id": "txn_1"}]},
        "cashback": {"items": [{"account": {"id": "650"}, "amount": "4.50", "memo": "Fees"}]},
        **changed,
    }


def test_a_payout_is_deposited_once_although_the_answer_was_lost_and_reversed(paid, state):
    company, key = paid
    sent = {"id": "po_1", "status": "paid", "amount": 8550, "currency": "gbp"}
    company.store.put("stripe", "payout", {**sent, "created": int(LONG_AGO.timestamp())})
    before = by_account(company)
    seen = company.with_target("netsuite", lambda target: target.lookup("transaction", id=key))
    facts = deposit_facts(member(transaction_id=key, total=seen[0]["foreigntotal"]))
    plan_and_approve(state, company, missing_deposit(), **facts)
    company.fault("netsuite", method="PUT", lose_answer=True)
    assert send(state, company) == {"accepted": 1, "unknown": 1}
    (made,) = company.store.rows("netsuite", "transaction", externalid="po_1")
    (link,) = company.store.rows("netsuite", "previoustransactionlinelink", nextdoc=made["id"])
    assert (link["previousdoc"], link["linktype"]) == (key, "Deposit")
    company.next_night()
    into = {"101": Decimal("85.5"), "105": Decimal(-90), "650": Decimal("4.5")}
    assert by_account(company, made["id"]) == into
    undo(state, company)
    assert send(state, company) == {"accepted": 1}
    company.next_night()
    assert by_account(company) == before


def test_a_deposit_that_is_sent_again_stands_once(paid):
    company, key = paid
    intent = put("deposit", "po_1", deposit(key))
    assert write(company, intent) == write(company, intent)
    assert len(company.store.rows("netsuite", "transaction", type="Deposit")) == 1


REFUSED_DEPOSITS = {
    "no payments": ({"payment": {"items": []}}, "of nothing"),
    "less than nothing": (
        {"cashback": {"items": [{"account": {"id": "650"}, "amount": "90.01"}]}},
        "can not be negative",
    ),
    "another subsidiary": ({"subsidiary": {"id": "1"}}, "cannot be deposited"),
    "another currency": ({"currency": {"id": "3"}}, "cannot be deposited"),
    "no account": ({"account": {"id": "1"}}, "Invalid reference"),
    "into a locked period": ({"postingPeriod": {"id": "2604"}}, "closed or locked"),
    "unknown field": ({"customer": {"id": "501"}}, "Unknown field"),
}


def test_what_cannot_be_deposited_is_refused_and_nothing_twice(paid):
    company, key = paid
    company.store.put("netsuite", "accountingperiod", {"id": "2604", "arlocked": "T"})

    async def use(target):
        told = {}
        for name, (changed, _) in REFUSED_DEPOSITS.items():
            with pytest.raises(Rejected) as refusal:
                await target.write(put("deposit", "po_1", deposit(key) | changed))
            told[name] = str(refusal.value)
        await target.write(put("deposit", "po_1", deposit(key)))
        with pytest.raises(Rejected, match="cannot be deposited"):
            await target.write(put("deposit", "po_2", deposit(key)))
        return told

    told = company.with_target("netsuite", use)
    for name, (_, words) in REFUSED_DEPOSITS.items():
        assert words in told[name], name
