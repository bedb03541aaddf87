"""A payout is deposited once every member of it waits in Undeposited Funds with its amount."""

import asyncio
from datetime import date

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.state.views import list_corrections
from tests.cash_samples import deposit_facts, member, missing_deposit, payout
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.memory_targets import netsuite, stripe
from tests.plan_facts import changed, context
from tests.unit.reconcilers.test_journals import planned


def test_a_payout_takes_up_its_members_less_the_fees():
    correction = planned(missing_deposit(), **deposit_facts())
    assert (correction.object, correction.record_id) == ("deposit", "po_1")
    assert correction.mode == "approve"
    assert correction.payload == {
        "account": {"id": "101"},
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "exchangeRate": "1",
        "tranDate": "2026-06-28",
        "postingPeriod": {"id": "2606"},
        "custbody_stripe_payout_id": "po_1",
        "custbody_q2c_correlation_id": "q2c_006A",
        "payment": {
            "items": [{"id": "7201", "deposit": True, "custcol_stripe_balance_id": "txn_1"}]
        },
        "cashback": {
            "items": [{"account": {"id": "650"}, "amount": "4.50", "memo": "Processing fees"}]
        },
        "memo": f"tieout:{correction.correction_id}",
    }


def test_a_refund_lowers_what_is_deposited_and_without_fees_nothing_is_kept_back():
    back = member(
        source_kind="refund", source_id="re_1", gross_minor=-450, amount_minor=-450,
        transaction_id="7202", balance_transaction_id="txn_2",
    )  # fmt: skip
    facts = deposit_facts(member(), back, fee_minor=0)
    payload = planned(missing_deposit(), **facts).payload
    assert [line["id"] for line in payload["payment"]["items"]] == ["7201", "7202"]
    assert "cashback" not in payload


def test_fees_that_come_back_are_credited_where_fees_are_debited():
    facts = deposit_facts(amount_minor=9100, net_minor=9100, fee_minor=-100)
    assert planned(missing_deposit(), **facts).after["booked"]["line"]["items"] == [
        {"account": {"id": "101"}, "debit": "91.00"},
        {"account": {"id": "650"}, "credit": "1.00"},
        {"account": {"id": "105"}, "credit": "90.00"},
    ]


def only(**values):
    return deposit_facts(member(**values))


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({}, "custbody_stripe_payout_id", "po_1 is not in"),
        (deposit_facts(currency="CHF"), "currency", "no CHF"),
        (deposit_facts(currency="EUR"), "subsidiary", "no ERP subsidiary"),
        (deposit_facts(arrival_date=date(2026, 7, 1)), "postingPeriod", "holds"),
        (deposit_facts() | changed("erp_periods", 1, is_closed="T"), "postingPeriod", "closed"),
        (deposit_facts() | {"ledger_accounts": []}, "account (payment_bank)", "no ERP account"),
        (deposit_facts(is_reconciled=False), "payment.items", "not what it consists of"),
        (deposit_facts(net_minor=8549), "payment.items", "not what it consists of"),
        (deposit_facts(amount_minor=0, net_minor=0), "payment.items", "brings nothing"),
        (only(source_kind="dispute"), "payment.items[1]", "kept by a journal"),
        (only(transaction_id=None), "payment.items[1]", "payment ch_1 is not in the ERP"),
        (only(amount_minor=8999), "payment.items[1]", "in the ERP 8999 minor units of GBP"),
        (only(currency="EUR"), "payment.items[1]", "of EUR"),
        (only(is_deposited=True), "payment.items[1]", "deposited already"),
        (only(account_id="101"), "payment.items[1]", "not in Undeposited Funds"),
        (only(subsidiary_id="1"), "payment.items[1]", "another subsidiary"),
    ],
)
def test_each_gap_is_refused_with_its_field(facts, field, words):
    correction = planned(missing_deposit(), **facts)
    found = [refusal.problem for refusal in correction.refusals if refusal.field == field]
    assert any(words in problem for problem in found), correction.refusals
    assert all(refusal.fix for refusal in correction.refusals)
    assert (correction.state, correction.payload) == ("refused", {})


def approve_all(state, hour):
    for actor in ("ann", "eve"):
        waiting = [v.correction_id for v in list_corrections(state, states=("proposed",))]
        approve(state, waiting, actor, "", at(0, hour))


def send(state, targets):
    limits = DispatchLimits(tries_per_run=1)
    return asyncio.run(dispatch(state, targets, lambda: at(0, 9), limits)).outcomes


def company():
    erp, billing = netsuite(), stripe()
    erp.records["transaction", "7201"] = {"id": "7201", "voided": "F", "foreigntotal": "90"}
    for account in ("101", "105", "650"):
        erp.records["account", account] = {"id": account, "isinactive": "F"}
    billing.records["payout", "po_1"] = {"id": "po_1", "status": "paid", "amount": 8550}
    return {"netsuite": erp, "stripe": billing}


@pytest.mark.parametrize(
    ("system", "record", "values", "outcome"),
    [
        ("netsuite", ("transaction", "7201"), {}, "accepted"),
        ("netsuite", ("transaction", "7201"), {"foreigntotal": "89"}, "superseded"),
        ("netsuite", ("transaction", "1"), {"custbody_stripe_payout_id": "po_1"}, "superseded"),
        ("netsuite", ("previoustransactionlinelink", "1"), {"previousdoc": "7201", "linktype": "Deposit"}, "superseded"),
        ("netsuite", ("account", "650"), {"isinactive": "T"}, "refused"),
        ("netsuite", ("accountingperiod", "2606"), {"closed": "T"}, "refused"),
        ("stripe", ("payout", "po_1"), {"status": "failed"}, "superseded"),
    ],
)  # fmt: skip
def test_what_changed_since_the_plan_stops_it(state, system, record, values, outcome):
    targets = company()
    records = targets[system].records
    records[record] = records.get(record, {}) | values
    plan_into(state, drift(missing_deposit()), context(**deposit_facts()), at(0, 3))
    approve_all(state, 4)
    assert send(state, targets) == {outcome: 1}
    assert len(targets["netsuite"].effects) == (outcome == "accepted")


def test_a_deposit_is_undone_by_a_journal_that_reverses_what_it_booked(state):
    targets = company()
    plan_into(state, drift(missing_deposit()), context(**deposit_facts()), at(0, 3))
    approve_all(state, 4)
    send(state, targets)
    (view,) = list_corrections(state)
    (undo,) = compensate(state, [view.correction_id], "ben", "wrong", at(0, 10))
    assert (undo.target, undo.record_id) == ("netsuite.journalEntry", "reversal_new-po_1")
    assert undo.payload["line"]["items"] == [
        {"account": {"id": "101"}, "credit": "85.50"},
        {"account": {"id": "650"}, "credit": "4.50"},
        {"account": {"id": "105"}, "debit": "90.00"},
    ]
    assert payout()["fee_minor"] == 450
