"""What is made in billing is planned from one night, marked, and asked again before the call."""

import asyncio

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import CompensationRefusedError, compensate
from reconcilers.corrections.correction import Correction
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.billing_samples import charged_twice, overcharge, refunds, uncredited_refund
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.memory_targets import MemoryTarget
from tests.plan_facts import context
from tests.unit.reconcilers.test_journals import planned

CREDITED = "invoice.post_payment_credit_notes_amount"


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
        (refunds(is_disputed=True), "charge.disputed", "is or was disputed"),
        (refunds(charge_count=2), "invoice.payments", "has 2 charges"),
        (refunds(is_paid_otherwise=True), "invoice.payments", "other money"),
        (refunds(refund_credits_minor=0), CREDITED, "1000 minor units were credited"),
        (refunds(refund_credits_minor=1001), CREDITED, "-1 minor units were credited"),
    ],
)
def test_a_note_that_is_not_certain_is_refused(facts, field, words):
    correction = planned(uncredited_refund(), **facts)
    (refusal,) = correction.refusals
    assert (refusal.field, words in refusal.problem) == (field, True), refusal
    assert (correction.state, correction.payload) == ("refused", {})


def test_a_note_over_just_what_is_left_of_the_invoice_is_planned():
    assert isinstance(planned(uncredited_refund(), **refunds(total_minor=8000)), Correction)


TAKEN = {"status": "succeeded", "amount": 12000, "amount_refunded": 0, "disputed": False}


def billing(**invoice):
    """Billing with the refund and its invoice."""
    credited = {"post_payment_credit_notes_amount": 1000, "pre_payment_credit_notes_amount": 2000}
    return MemoryTarget(
        "stripe",
        {
            ("refund", "re_1"): {"id": "re_1", "status": "succeeded", "amount": 6000},
            ("charge", "ch_6"): {"id": "ch_6", **TAKEN, "amount_refunded": 6000},
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
        (("charge", "ch_6"), {"disputed": True}, "superseded"),
        (("charge", "ch_6"), {"amount_refunded": 7000}, "superseded"),
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


def test_what_a_second_charge_took_goes_back_to_what_the_customer_paid_with():
    correction = planned(charged_twice(), **overcharge())
    assert (correction.object, correction.operation) == ("refund", "create")
    assert (correction.mode, correction.action) == ("approve_two", "refund_charge")
    assert correction.payload == {
        "charge": "ch_2",
        "amount": 12000,
        "reason": "duplicate",
        "metadata": {
            "q2c_correlation_id": "q2c_006A",
            "tieout_correction": correction.correction_id,
        },
    }


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"overcharges": []}, "charge.id", "not in the snapshot"),
        (overcharge(is_disputed=True), "charge.disputed", "is or was disputed"),
        (overcharge(charge_count=3), "invoice.payments", "has 3 charges"),
        (overcharge(is_paid_otherwise=True), "invoice.payments", "other money"),
        (overcharge(refund_count=1), "charge.amount_refunded", "was refunded"),
        (overcharge(refunded_minor=1), "charge.amount_refunded", "was refunded"),
        (overcharge(earlier_refunded_minor=1), "charge.amount_refunded", "was refunded"),
        (overcharge(paid_credits_minor=1), CREDITED, "was credited"),
        (overcharge(open_credits_minor=1), CREDITED, "was credited"),
        (overcharge(overcharged_minor=11999), "refund.amount", "took 12000"),
        (overcharge(earlier_minor=11999), "refund.amount", "took 11999"),
    ],
)
def test_a_refund_that_is_not_certain_is_refused(facts, field, words):
    correction = planned(charged_twice(), **facts)
    (refusal,) = correction.refusals
    assert (refusal.field, words in refusal.problem) == (field, True), refusal
    assert (correction.state, correction.payload) == ("refused", {})


@pytest.mark.parametrize(
    ("key", "change", "outcome"),
    [
        (("charge", "ch_2"), {}, "accepted"),
        (("charge", "ch_2"), {"amount_refunded": 1}, "superseded"),
        (("charge", "ch_2"), {"disputed": True}, "superseded"),
        (("charge", "ch_1"), {"amount_refunded": 12000}, "superseded"),
        (("charge", "ch_1"), {"status": "failed"}, "superseded"),
        (("invoice", "in_6"), {"total": 24000}, "superseded"),
        (("invoice", "in_6"), {"post_payment_credit_notes_amount": 1}, "superseded"),
        (("invoice", "in_6"), {"pre_payment_credit_notes_amount": 1}, "superseded"),
        (("refund", "re_9"), {"metadata": {"tieout_correction": "another"}}, "accepted"),
    ],
)
def test_a_charge_that_is_no_longer_one_too_many_is_kept(key, change, outcome):
    uncredited = {"post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0}
    invoice = {"id": "in_6", "status": "paid", "total": 12000, **uncredited}
    account = MemoryTarget(
        "stripe",
        {
            ("charge", "ch_1"): {"id": "ch_1", **TAKEN},
            ("charge", "ch_2"): {"id": "ch_2", **TAKEN},
            ("invoice", "in_6"): invoice,
        },
    )
    account.records[key] = account.records.get(key, {"id": key[1], "charge": "ch_2"}) | change
    opened = open_state("sqlite://")
    plan_into(opened, drift(charged_twice()), context(**overcharge()), at(0, 3))
    (view,) = list_corrections(opened, states=("proposed",))
    for actor in ("ann", "eve"):
        approve(opened, [view.correction_id], actor, "", at(0, 4))
    targets, limits = {"stripe": account}, DispatchLimits(tries_per_run=1)
    assert asyncio.run(dispatch(opened, targets, lambda: at(0, 9), limits)).outcomes == {outcome: 1}
    assert len(account.effects) == (outcome == "accepted")
    if outcome == "accepted":
        with pytest.raises(CompensationRefusedError, match="cannot be undone"):
            compensate(opened, [view.correction_id], "ben", "")
    opened.close()
