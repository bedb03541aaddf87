"""Memos and payments say what billing said, and are taken off an invoice that is open for them."""

import asyncio
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import CompensationRefusedError, compensate
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.erp_settling import shares
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift, missing_note, missing_payment
from tests.effort import examples
from tests.memory_targets import netsuite, stripe
from tests.plan_facts import FACTS, changed, context
from tests.unit.reconcilers.test_journals import planned


def test_a_credit_memo_takes_from_the_sold_lines_what_the_note_gives():
    correction = planned(missing_note())
    assert (correction.object, correction.record_id) == ("creditMemo", "cn_1")
    assert correction.mode == "approve"
    assert correction.payload == {
        "entity": {"id": "501"},
        "subsidiary": {"id": "2"},
        "currency": {"id": "2"},
        "tranId": "UK-0002-CN-01",
        "tranDate": "2026-06-20",
        "postingPeriod": {"id": "2606"},
        "custbody_stripe_credit_note_id": "cn_1",
        "custbody_q2c_correlation_id": "q2c_006A",
        "memo": f"tieout:{correction.correction_id}",
        "taxDetailsOverride": True,
        "item": {
            "items": [
                {
                    "item": {"id": "201"},
                    "quantity": 1,
                    "amount": net,
                    "description": "Platform",
                    "custcol_stripe_line_id": line,
                    "custcol_rev_start": "2026-06-01",
                    "custcol_rev_end": "2026-08-31",
                    "taxDetailsReference": f"L{n}",
                }
                for n, (line, net) in enumerate([("il_8", "17.50"), ("il_9", "7.50")], 1)
            ]
        },
        "taxDetails": {
            "items": [
                {
                    "taxDetailsReference": f"L{n}",
                    "taxCode": {"id": "2"},
                    "taxBasis": net,
                    "taxRate": "20",
                    "taxAmount": tax,
                }
                for n, (net, tax) in enumerate([("17.50", "3.50"), ("7.50", "1.50")], 1)
            ]
        },
        "apply": {"items": [{"doc": {"id": "7002"}, "apply": True, "amount": "30.00"}]},
    }


def test_a_note_on_one_line_comes_off_that_line():
    facts = changed("billing_credit_note_lines", invoice_line_id="il_9")
    (line,) = planned(missing_note(), **facts).payload["item"]["items"]
    assert (line["custcol_stripe_line_id"], line["amount"]) == ("il_9", "25.00")


def test_what_billing_gave_back_otherwise_is_not_applied():
    payload = planned(missing_note(), **changed("billing_credit_notes", applied_minor=0)).payload
    assert payload
    assert "apply" not in payload


def test_a_payment_goes_to_undeposited_funds_and_onto_its_invoice():
    correction = planned(missing_payment())
    assert (correction.object, correction.record_id) == ("customerPayment", "ch_1")
    assert correction.mode == "approve"
    assert correction.payload == {
        "customer": {"id": "501"},
        "currency": {"id": "2"},
        "payment": "90.00",
        "tranDate": "2026-06-25",
        "postingPeriod": {"id": "2606"},
        "undepFunds": True,
        "custbody_stripe_charge_id": "ch_1",
        "custbody_q2c_correlation_id": "q2c_006A",
        "apply": {"items": [{"doc": {"id": "7002"}, "apply": True, "amount": "90.00"}]},
        "memo": f"tieout:{correction.correction_id}",
    }


NOTE, PAYMENT = missing_note(), missing_payment()


@pytest.mark.parametrize(
    ("row", "facts", "field", "words"),
    [
        (NOTE, {"billing_credit_notes": []}, "custbody_stripe_credit_note_id", "cn_1 is not in"),
        (NOTE, {"erp_customers": []}, "entity", "no customer"),
        (NOTE, changed("erp_customers", is_inactive="T"), "entity", "inactive"),
        (NOTE, {"erp_subsidiaries": []}, "subsidiary", "'UK'"),
        (NOTE, changed("billing_credit_notes", currency="CHF"), "currency", "no CHF"),
        (NOTE, changed("erp_periods", 1, is_closed="T"), "postingPeriod", "is closed"),
        (NOTE, changed("billing_credit_notes", credit_date=date(2026, 7, 1)), "postingPeriod", "holds"),
        (NOTE, {"billing_credit_note_lines": []}, "item.items", "no lines"),
        (NOTE, {"erp_items": []}, "item.items[1].item", "not in the ERP"),
        (NOTE, {"ledger_accounts": []}, "account (receivable)", "is named"),
        (NOTE, changed("billing_credit_notes", tax_minor=0), "taxDetails.items[1].taxAmount", "tax 0"),
        (NOTE, changed("billing_credit_notes", total_minor=3001), "item.items.amount", "by 1"),
        (NOTE, changed("billing_credit_notes", number=None), "tranId", "no number"),
        (
            NOTE, {"erp_memo_numbers": [{"number": "UK-0002-CN-01", "transaction_id": "9"}]},
            "tranId", "taken by ERP transaction 9",
        ),
        (NOTE, {"erp_invoices": []}, "apply.items.doc", "does not have the invoice"),
        (NOTE, changed("erp_invoices", unpaid_minor=2999), "apply.items.doc", "only 2999"),
        (NOTE, changed("erp_invoices", currency="EUR"), "apply.items.doc", "is in EUR"),
        (PAYMENT, {"billing_payments": []}, "custbody_stripe_charge_id", "ch_1 is not in"),
        (PAYMENT, {"erp_currencies": []}, "currency", "no GBP"),
        (PAYMENT, changed("erp_periods", 1, is_ar_locked="T"), "postingPeriod", "locked"),
        (PAYMENT, changed("billing_payments", paid_date=date(2026, 7, 1)), "postingPeriod", "holds"),
        (PAYMENT, {"erp_invoices": []}, "apply.items.doc", "does not have the invoice"),
        (PAYMENT, changed("billing_payments", invoice_id=None), "apply.items.doc", "does not have"),
        (PAYMENT, changed("erp_invoices", unpaid_minor=8999), "apply.items.doc", "only 8999"),
        (PAYMENT, changed("erp_invoices", currency="EUR"), "apply.items.doc", "is in EUR"),
        (PAYMENT, changed("erp_invoices", is_customer_inactive="T"), "customer", "inactive"),
    ],
)  # fmt: skip
def test_each_gap_is_refused_with_its_field(row, facts, field, words):
    correction = planned(row, **facts)
    found = [refusal.problem for refusal in correction.refusals if refusal.field == field]
    assert any(words in problem for problem in found), correction.refusals
    assert all(refusal.fix for refusal in correction.refusals)
    assert (correction.state, correction.payload) == ("refused", {})


@settings(max_examples=examples(50), deadline=None)
@given(st.integers(-(10**9), 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=6))
def test_shares_add_up_and_are_off_by_less_than_a_unit(amount, weights):
    parts = shares(amount, weights)
    assert sum(parts) == amount
    whole = sum(weights)
    assert all(abs(p * whole - amount * w) <= whole for p, w in zip(parts, weights, strict=True))


def test_without_weights_nothing_is_shared():
    assert (shares(5, []), shares(5, [0, 0])) == ([], [0, 0])


def sent(state, row, erp, billing):
    plan_into(state, drift(row), context(), at(0, 3))
    (view,) = list_corrections(state, states=("proposed",))
    approve(state, [view.correction_id], "ann", "", at(0, 4))
    targets = {"netsuite": erp, "stripe": billing}
    limits = DispatchLimits(tries_per_run=1)
    return asyncio.run(dispatch(state, targets, lambda: at(0, 9), limits)).outcomes


BOOKED = {"id": "1", "custbody_stripe_credit_note_id": "cn_1", "custbody_stripe_charge_id": "ch_1"}


@pytest.mark.parametrize("row", [NOTE, PAYMENT])
@pytest.mark.parametrize(
    ("system", "change", "outcome"),
    [
        ("netsuite", {}, "accepted"),
        ("netsuite", {("accountingperiod", "2606"): {"closed": "T"}}, "refused"),
        ("netsuite", {("transaction", "7002"): {"foreignamountunpaid": "119"}}, "superseded"),
        ("netsuite", {("transaction", "7002"): {"voided": "T"}}, "superseded"),
        ("netsuite", {("transaction", "1"): BOOKED}, "superseded"),
        ("stripe", {("credit_note", "cn_1"): {"status": "void"}, ("charge", "ch_1"): {"amount": 1}}, "superseded"),
        ("stripe", {("credit_note", "cn_1"): {"total": 1}, ("charge", "ch_1"): {"status": "failed"}}, "superseded"),
    ],
)  # fmt: skip
def test_what_changed_since_the_plan_stops_it(state, row, system, change, outcome):
    targets = {"netsuite": netsuite(), "stripe": stripe()}
    for name, values in change.items():
        records = targets[system].records
        records[name] = records.get(name, {}) | values
    assert sent(state, row, targets["netsuite"], targets["stripe"]) == {outcome: 1}
    assert len(targets["netsuite"].effects) == (outcome == "accepted")


@pytest.mark.parametrize("row", [NOTE, PAYMENT])
def test_what_no_call_can_undo_says_what_to_do_by_hand(state, row):
    sent(state, row, netsuite(), stripe())
    (view,) = list_corrections(state)
    with pytest.raises(CompensationRefusedError, match=f"void {view.object} new-.* by hand"):
        compensate(state, [view.correction_id], "ben", "")


def test_a_number_of_another_memo_is_refused_at_send_time(state):
    erp = netsuite()
    erp.records["transaction", "9"] = {"id": "9", "tranid": "UK-0002-CN-01", "type": "CustCred"}
    assert sent(state, NOTE, erp, stripe()) == {"refused": 1}
    assert FACTS["erp_memo_numbers"] == []
