"""What is made in billing is planned from one night, marked, and asked again before the call."""

import asyncio

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.correction import Correction
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.billing_samples import refunds, uncredited_refund
from tests.correction_samples import MemoryTarget, at, context, drift, plan_into
from tests.unit.reconcilers.test_journals import planned


def test_a_refund_gets_a_note_that_says_where_its_money_went():
    correction = planned(uncredited_refund(), **refunds())
    assert (correction.system, correction.object) == ("stripe", "credit_note")
    assert (correction.operation, correction.record_id) == ("create", "re_1")
    assert (correction.mode, correction.before) == ("approve", None)
    assert correction.payload == {
        "invoice": "in_6",
        "amount": 5000,
        "refunds": [{"refund": "re_1", "amount_refunded": 5000}],
        "email_type": "none",
        "metadata": {
            "q2c_correlation_id": "q2c_006A",
            "tieout_correction": correction.correction_id,
        },
    }


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"uncredited_refunds": []}, "refund.id", "not in the snapshot"),
        (refunds(status="pending"), "refund.status", "is pending"),
        (refunds(invoice_id=None), "refund.charge", "no invoice"),
        (refunds(invoice_status="open"), "invoice.status", "is open"),
        (refunds(total_minor=7999), "credit_note.amount", "1 minor units beyond"),
    ],
)
def test_a_note_that_is_not_certain_is_refused(facts, field, words):
    correction = planned(uncredited_refund(), **facts)
    (refusal,) = correction.refusals
    assert (refusal.field, words in refusal.problem) == (field, True), refusal
    assert (correction.state, correction.payload) == ("refused", {})


def test_a_note_over_just_what_is_left_of_the_invoice_is_planned():
    assert isinstance(planned(uncredited_refund(), **refunds(total_minor=8000)), Correction)


def billing(**invoice):
    """Billing with the refund and its invoice."""
    credited = {"post_payment_credit_notes_amount": 1000, "pre_payment_credit_notes_amount": 2000}
    return MemoryTarget(
        "stripe",
        {
            ("refund", "re_1"): {"id": "re_1", "status": "succeeded", "amount": 6000},
            ("invoice", "in_6"): {"id": "in_6", "status": "paid", **credited, **invoice},
        },
    )


@pytest.fixture
def state():
    opened = open_state("sqlite://")
    plan_into(opened, drift(uncredited_refund()), context(**refunds()), at(0, 3))
    (view,) = list_corrections(opened, states=("proposed",))
    approve(opened, [view.correction_id], "ann", "", at(0, 4))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("key", "change", "outcome"),
    [
        (("refund", "re_1"), {}, "accepted"),
        (("refund", "re_1"), {"status": "failed"}, "superseded"),
        (("refund", "re_1"), {"amount": 5999}, "superseded"),
        (("invoice", "in_6"), {"post_payment_credit_notes_amount": 6000}, "superseded"),
        (("invoice", "in_6"), {"pre_payment_credit_notes_amount": 0}, "superseded"),
        (("invoice", "in_6"), {"status": "void"}, "superseded"),
    ],
)
def test_a_refund_that_was_credited_or_failed_meanwhile_gets_no_note(state, key, change, outcome):
    account = billing()
    account.records[key] |= change
    targets, limits = {"stripe": account}, DispatchLimits(tries_per_run=1)
    assert asyncio.run(dispatch(state, targets, lambda: at(0, 9), limits)).outcomes == {outcome: 1}
    assert len(account.effects) == (outcome == "accepted")
