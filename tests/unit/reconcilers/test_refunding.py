"""A refund is posted against the open memo of its credit note, and against nothing else."""

import asyncio
from datetime import date

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import CompensationRefusedError, compensate
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.state.views import list_corrections
from tests.cash_samples import missing_refund, refund
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.memory_targets import netsuite, stripe
from tests.plan_facts import FACTS, changed, context
from tests.unit.reconcilers.test_journals import JULY, planned


def test_a_refund_leaves_clearing_for_what_its_memo_gives():
    correction = planned(missing_refund(), billing_refunds=[refund()])
    assert (correction.object, correction.record_id) == ("customerRefund", "re_1")
    assert correction.mode == "approve"
    assert correction.payload == {
        "customer": {"id": "501"},
        "currency": {"id": "2"},
        "account": {"id": "105"},
        "tranDate": "2026-06-21",
        "postingPeriod": {"id": "2606"},
        "custbody_stripe_refund_id": "re_1",
        "custbody_stripe_charge_id": "ch_1",
        "custbody_q2c_correlation_id": "q2c_006A",
        "apply": {"items": [{"doc": {"id": "7301"}, "apply": True, "amount": "30.00"}]},
        "memo": f"tieout:{correction.correction_id}",
    }


ON_ACCOUNT = {
    "credit_note_id": None, "transaction_id": "7201", "is_of_payment": True,
    "unpaid": "0", "total": "30", "open_minor": 3000,
}  # fmt: skip


def test_what_was_charged_twice_is_paid_out_of_its_payment():
    correction = planned(missing_refund(), billing_refunds=[refund(**ON_ACCOUNT)])
    assert correction.payload["apply"] == {
        "items": [{"doc": {"id": "7201"}, "apply": True, "amount": "30.00"}]
    }


def test_a_refund_of_a_closed_month_is_for_people():
    """In a later month it would be in the wrong one (JE-PER-01)."""
    months = [FACTS["erp_periods"][1] | {"is_closed": "T"}, JULY]
    correction = planned(missing_refund(), billing_refunds=[refund()], erp_periods=months)
    assert correction.state == "refused"
    assert "postingPeriod: period Jun 2026 is closed" in correction.state_reason


def only(**values):
    return {"billing_refunds": [refund(**values)]}


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({}, "custbody_stripe_refund_id", "re_1 is not in"),
        (only(currency="CHF"), "currency", "no CHF"),
        (only(refund_date=date(2026, 7, 1)), "postingPeriod", "holds"),
        (only(legal_entity="US"), "account (payment_clearing)", "no ERP account"),
        (only() | changed("erp_accounts", 4, is_inactive="T"), "account (payment_clearing)", "inact"),
        (only(credit_note_id=None), "apply.items.doc", "no payment on account that is owed"),
        (only(**ON_ACCOUNT | {"open_minor": 2999}), "apply.items.doc", "only 2999"),
        (only(**ON_ACCOUNT | {"total": "100"}), "apply.items.doc", "a part of the payment"),
        (only(transaction_id=None), "apply.items.doc", "does not have the credit memo"),
        (only(memo_currency="EUR"), "apply.items.doc", "is in EUR"),
        (only(open_minor=2999), "apply.items.doc", "only 2999"),
        (only(is_customer_inactive="T"), "apply.items.doc", "inactive"),
    ],
)  # fmt: skip
def test_each_gap_is_refused_with_its_field(facts, field, words):
    correction = planned(missing_refund(), **facts)
    found = [refusal.problem for refusal in correction.refusals if refusal.field == field]
    assert any(words in problem for problem in found), correction.refusals
    assert (correction.state, correction.payload) == ("refused", {})


def sent(state, erp, billing, facts=None):
    plan_into(state, drift(missing_refund()), context(**facts or only()), at(0, 3))
    (view,) = list_corrections(state, states=("proposed",))
    approve(state, [view.correction_id], "ann", "", at(0, 4))
    targets, limits = {"netsuite": erp, "stripe": billing}, DispatchLimits(tries_per_run=1)
    return asyncio.run(dispatch(state, targets, lambda: at(0, 9), limits)).outcomes


MEMO, PAID_OUT = ("transaction", "7301"), ("refund", "re_1")


@pytest.mark.parametrize(
    ("system", "record", "values", "outcome"),
    [
        ("netsuite", MEMO, {}, "accepted"),
        ("netsuite", MEMO, {"foreignamountunpaid": "-29"}, "superseded"),
        ("netsuite", MEMO, {"voided": "T"}, "superseded"),
        ("netsuite", ("transaction", "1"), {"custbody_stripe_refund_id": "re_1"}, "superseded"),
        ("netsuite", ("account", "105"), {"isinactive": "T"}, "refused"),
        ("netsuite", ("accountingperiod", "2606"), {"closed": "T"}, "refused"),
        ("stripe", PAID_OUT, {"status": "failed"}, "superseded"),
        ("stripe", PAID_OUT, {"amount": 2999}, "superseded"),
    ],
)
def test_what_changed_since_the_plan_stops_it(state, system, record, values, outcome):
    targets = {"netsuite": netsuite(), "stripe": stripe()}
    memo = {"id": "7301", "voided": "F", "foreignamountunpaid": "-30"}
    targets["netsuite"].records[MEMO] = memo
    targets["stripe"].records[PAID_OUT] = {"id": "re_1", "status": "succeeded", "amount": 3000}
    records = targets[system].records
    records[record] = records.get(record, {}) | values
    assert sent(state, targets["netsuite"], targets["stripe"]) == {outcome: 1}
    assert len(targets["netsuite"].effects) == (outcome == "accepted")
    if outcome == "accepted":
        (view,) = list_corrections(state)
        with pytest.raises(CompensationRefusedError, match=r"void customerRefund .* by hand"):
            compensate(state, [view.correction_id], "ben", "")


LINK = ("previoustransactionlinelink", "1")


@pytest.mark.parametrize(
    ("record", "values", "outcome"),
    [
        (LINK, {"previousdoc": "7201", "nextdoc": "8", "linktype": "Deposit"}, "accepted"),
        (LINK, {"previousdoc": "7001", "nextdoc": "7201", "linktype": "Payment"}, "superseded"),
        (LINK, {"previousdoc": "7201", "nextdoc": "8", "linktype": "Payment"}, "superseded"),
        (("transaction", "7201"), {"foreigntotal": "29"}, "superseded"),
        (("transaction", "7201"), {"voided": "T"}, "superseded"),
    ],
)
def test_a_payment_that_something_took_up_is_not_paid_out(state, record, values, outcome):
    erp, billing = netsuite(), stripe()
    erp.records["transaction", "7201"] = {"id": "7201", "voided": "F", "foreigntotal": "30"}
    erp.records[record] = erp.records.get(record, {}) | values
    billing.records[PAID_OUT] = {"id": "re_1", "status": "succeeded", "amount": 3000}
    assert sent(state, erp, billing, only(**ON_ACCOUNT)) == {outcome: 1}
    assert len(erp.effects) == (outcome == "accepted")
