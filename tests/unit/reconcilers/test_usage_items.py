"""Use that an invoice billed wrongly is settled by an item of the next one, or by people."""

import asyncio

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.billing_samples import (
    charged,
    charged_usage,
    overbilled_usage,
    overcharged,
    overused,
    unbilled_usage,
    used,
)
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.memory_targets import MemoryTarget
from tests.plan_facts import context
from tests.unit.extractors.test_stripe_writes import mistakes
from tests.unit.reconcilers.test_journals import planned

CREDITED = "invoice.post_payment_credit_notes_amount"


def test_the_units_that_lack_are_billed_by_an_item_that_names_their_period():
    correction = planned(unbilled_usage(), **used())
    assert (correction.system, correction.object) == ("stripe", "invoiceitem")
    assert (correction.operation, correction.record_id) == ("create", "il_7")
    assert (correction.mode, correction.before) == ("approve", None)
    assert correction.payload == {
        "customer": "cus_1",
        "subscription": "sub_1",
        "price_data": {"currency": "gbp", "product": "prod_1", "unit_amount": 1499},
        "quantity": 1,
        "discountable": False,
        "description": "Usage 2026-05-01 to 2026-06-01: 200 units that were not billed",
        "period": {"start": 1777593605, "end": 1780272005},
        "metadata": {
            "tieout_usage_line": "il_7",
            "tieout_usage_item": "si_7",
            "tieout_usage_billed": "1000",
            "tieout_usage_units": "200",
            "q2c_correlation_id": "q2c_006A",
            "tieout_correction": correction.correction_id,
        },
    }
    assert mistakes("invoice_item_create", correction.payload) == []


def test_a_price_without_its_tax_is_told_as_such():
    payload = planned(unbilled_usage(), **used(tax_behavior="exclusive")).payload
    assert payload["price_data"]["tax_behavior"] == "exclusive"


def test_what_lacks_still_after_an_item_is_another_correction():
    first = planned(unbilled_usage(), **used())
    later = planned(unbilled_usage(), **used(billed_quantity=1100, billed_minor=10801))
    assert first.idempotency_key != later.idempotency_key


def test_units_that_were_billed_too_much_are_taken_back_by_an_amount_that_names_their_product():
    """A price below nothing is refused by the vendor, and an amount has no quantity."""
    correction = planned(overbilled_usage(), **overused())
    assert (correction.action, correction.object) == ("credit_usage", "invoiceitem")
    assert (correction.operation, correction.mode) == ("create", "approve")
    assert correction.payload == {
        "customer": "cus_1",
        "subscription": "sub_1",
        "amount": -1501,
        "currency": "gbp",
        "discountable": False,
        "description": "Usage 2026-05-01 to 2026-06-01: 200 units that were billed too much",
        "period": {"start": 1777593605, "end": 1780272005},
        "metadata": {
            "tieout_usage_line": "il_7",
            "tieout_usage_item": "si_7",
            "tieout_usage_billed": "1200",
            "tieout_usage_units": "-200",
            "tieout_usage_product": "prod_1",
            "q2c_correlation_id": "q2c_006A",
            "tieout_correction": correction.correction_id,
        },
    }
    assert mistakes("invoice_item_create", correction.payload) == []


def test_what_goes_back_is_taxed_as_the_use_was():
    taxed = overused(tax_behavior="exclusive", tax_code="txcd_1")
    payload = planned(overbilled_usage(), **taxed).payload
    assert (payload["tax_behavior"], payload["tax_code"]) == ("exclusive", "txcd_1")
    assert mistakes("invoice_item_create", payload) == []


def test_units_charged_below_their_price_are_billed_what_lacks_by_an_item_of_no_units():
    correction = planned(charged_usage(), **charged())
    assert (correction.action, correction.object) == ("bill_usage", "invoiceitem")
    assert (correction.operation, correction.mode) == ("create", "approve_two")
    assert correction.payload == {
        "customer": "cus_1",
        "subscription": "sub_1",
        "price_data": {"currency": "gbp", "product": "prod_1", "unit_amount": 1499},
        "quantity": 1,
        "discountable": False,
        "description": "Usage 2026-05-01 to 2026-06-01: 1200 units that were charged too little",
        "period": {"start": 1777593605, "end": 1780272005},
        "metadata": {
            "tieout_usage_line": "il_7",
            "tieout_usage_item": "si_7",
            "tieout_usage_charged": "10001",
            "tieout_usage_units": "0",
            "q2c_correlation_id": "q2c_006A",
            "tieout_correction": correction.correction_id,
        },
    }
    assert mistakes("invoice_item_create", correction.payload) == []


def test_units_charged_beyond_their_price_are_given_back_what_is_too_much():
    correction = planned(charged_usage(billed_minor=12345), **overcharged())
    assert (correction.action, correction.mode) == ("credit_usage", "approve_two")
    payload = correction.payload
    assert payload["amount"] == -845
    assert payload["description"].endswith(": 1200 units that were charged too much")
    told = {k: v for k, v in payload["metadata"].items() if k.startswith("tieout_usage")}
    assert told == {
        "tieout_usage_line": "il_7",
        "tieout_usage_item": "si_7",
        "tieout_usage_charged": "12345",
        "tieout_usage_units": "0",
        "tieout_usage_product": "prod_1",
    }
    assert mistakes("invoice_item_create", payload) == []


def test_more_units_may_be_settled_after_a_price_was():
    """The same number of units was billed before and after: only what it was charged differs."""
    units = _waits_for(planned(unbilled_usage(), **used()))
    price = _waits_for(planned(charged_usage(), **charged()))
    assert units == {"metadata.tieout_usage_line": "il_7", "metadata.tieout_usage_billed": "1000"}
    assert price == {"metadata.tieout_usage_line": "il_7", "metadata.tieout_usage_charged": "10001"}


def _waits_for(correction):
    """The marks of which no item may wait."""
    (nothing,) = (each for each in correction.after["while"] if each["shows"] is None)
    return {name: value for name, value in nothing["equals"].items() if name != "customer"}


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"used_periods": []}, "invoiceitem.amount", "not in the snapshot"),
        (used(invoice_status="uncollectible"), "invoice.status", "is uncollectible"),
        (used(paid_credits_minor=1), CREDITED, "was credited"),
        (used(open_credits_minor=1), CREDITED, "was credited"),
        (used(subscription_status="canceled"), "subscription.status", "has ended"),
        (used(subscription_status=None), "subscription.status", "has ended"),
        (used(is_ending=True), "subscription.status", "no invoice to come"),
        (used(is_whole=False), "usage.quantity", "parts of a unit"),
        (used(billed_quantity=1200), "usage.quantity", "as many units"),
        (used(billed_rated_minor=9999), "invoiceitem.amount", "2 minor units apart"),
        (used(discount_minor=5), "invoiceitem.amount", "a discount"),
        (used(tax_behavior="inclusive"), "invoiceitem.amount", "holds its tax"),
        (used(rated_minor=10001), "invoiceitem.amount", "nothing to settle"),
    ],
)
def test_what_is_not_simple_is_for_people(facts, field, words):
    _is_refused(planned(unbilled_usage(), **facts), field, words)


def _is_refused(correction, field, words):
    (refusal,) = correction.refusals
    assert (refusal.field, words in refusal.problem) == (field, True), refusal
    assert (correction.state, correction.payload) == ("refused", {})


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"used_periods": []}, "invoiceitem.amount", "not in the snapshot"),
        (overused(invoice_status="uncollectible"), "invoice.status", "is uncollectible"),
        (overused(paid_credits_minor=1), CREDITED, "was credited"),
        (overused(open_credits_minor=1), CREDITED, "was credited"),
        (overused(refund_count=1), "charge.amount_refunded", "was refunded"),
        (overused(is_disputed=True), "charge.amount_refunded", "disputed"),
        (overused(charge_count=2), "charge.amount_refunded", "charged twice"),
        (overused(is_ending=True), "subscription.status", "no invoice to come"),
        (overused(is_whole=False), "usage.quantity", "parts of a unit"),
        (overused(metered_quantity=0, rated_minor=0), "usage.quantity", "nothing at all"),
        (overused(billed_quantity=1000), "usage.quantity", "as many units"),
        (overused(billed_rated_minor=11499), "invoiceitem.amount", "2 minor units apart"),
        (overused(discount_minor=5), "invoiceitem.amount", "a discount"),
        (overused(tax_behavior="inclusive"), "invoiceitem.amount", "holds its tax"),
        (overused(rated_minor=11501), "invoiceitem.amount", "nothing to settle"),
    ],
)
def test_what_is_not_simple_is_given_back_by_people(facts, field, words):
    _is_refused(planned(overbilled_usage(), **facts), field, words)


@pytest.mark.parametrize("billed", [10001, 12345])
@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        (None, "invoiceitem.amount", "not in the snapshot"),
        ({"invoice_status": "uncollectible"}, "invoice.status", "is uncollectible"),
        ({"paid_credits_minor": 1}, CREDITED, "was credited"),
        ({"open_credits_minor": 1}, CREDITED, "was credited"),
        ({"subscription_status": "canceled"}, "subscription.status", "has ended"),
        ({"is_ending": True}, "subscription.status", "no invoice to come"),
        ({"is_whole": False}, "usage.quantity", "parts of a unit"),
        ({"billed_quantity": 1199}, "usage.quantity", "other units are billed"),
        ({"discount_minor": 5}, "invoiceitem.amount", "a discount"),
        ({"tax_behavior": "inclusive"}, "invoiceitem.amount", "holds its tax"),
        ({"billed_minor": 11500}, "invoiceitem.amount", "nothing to settle"),
    ],
)
def test_a_price_that_is_not_simple_is_settled_by_people(billed, values, field, words):
    facts = charged(**{"billed_minor": billed, **(values or {})})
    facts = facts if values else {"used_periods": []}
    _is_refused(planned(charged_usage(billed_minor=billed), **facts), field, words)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"refund_count": 1}, "charge.amount_refunded", "was refunded"),
        ({"is_disputed": True}, "charge.amount_refunded", "disputed"),
        ({"charge_count": 2}, "charge.amount_refunded", "charged twice"),
        # a price may ask for something where nothing was used
        ({"metered_quantity": 0, "billed_quantity": 0}, "usage.quantity", "nothing at all"),
    ],
)
def test_what_went_back_already_is_not_given_back_for_its_price(values, field, words):
    _is_refused(planned(charged_usage(billed_minor=12345), **overcharged(**values)), field, words)


def test_money_that_went_back_is_nothing_against_billing_more():
    back = {"refund_count": 1, "is_disputed": True, "charge_count": 2}
    assert planned(unbilled_usage(), **used(**back)).refusals == ()
    assert planned(charged_usage(), **charged(**back)).refusals == ()


INVOICE = {
    "id": "in_1", "status": "paid", "total": 12000,
    "status_transitions": {"finalized_at": 5, "voided_at": None, "marked_uncollectible_at": None},
    "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
}  # fmt: skip
GOES_ON = {"id": "sub_1", "ended_at": None, "cancel_at": None, "cancel_at_period_end": False}
VOIDED = {"voided_at": 9, "marked_uncollectible_at": None}
KEPT = {"id": "ch_7", "amount": 12000, "amount_refunded": 0, "disputed": False}
COUNTED = {
    "id": "mtrusg_1", "meter": "mtr_1", "customer": "cus_1",
    "start_time": "1777593600", "end_time": "1780272000", "aggregated_value": 1200,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "outcome", "words"),
    [
        ({}, "accepted", "accepted"),
        ({("invoice", "in_1"): {"status_transitions": VOIDED}}, "superseded", "in_1 changed"),
        (
            {("invoice", "in_1"): {"pre_payment_credit_notes_amount": 5}},
            "superseded",
            "in_1 changed",
        ),
        (
            {("subscription", "sub_1"): {"cancel_at_period_end": True}},
            "superseded",
            "sub_1 changed",
        ),
        ({("usage", "mtrusg_1"): {"aggregated_value": 1201}}, "superseded", "aggregated_value"),
    ],
)
def test_it_is_asked_again_just_before(changed, outcome, words):
    """An invoice that was paid meanwhile bills no more than before."""
    sent = _sent(changed, unbilled_usage(), used())
    assert (*sent[:2], words in sent[2]) == (outcome, True, True), sent


@pytest.mark.parametrize(
    ("changed", "outcome", "words"),
    [
        ({}, "accepted", "accepted"),
        ({("usage", "mtrusg_1"): {"aggregated_value": 999}}, "superseded", "aggregated_value"),
        ({("charge", "ch_7"): {"amount_refunded": 1501}}, "superseded", "ch_7 changed"),
        ({("charge", "ch_7"): {"disputed": True}}, "superseded", "ch_7 changed"),
    ],
)
def test_nothing_goes_back_that_went_back_meanwhile(changed, outcome, words):
    counted = {"aggregated_value": 1000} | changed.get(("usage", "mtrusg_1"), {})
    now = {**changed, ("usage", "mtrusg_1"): counted}
    sent = _sent(now, overbilled_usage(), overused())
    assert (*sent[:2], words in sent[2]) == (outcome, True, True), sent


@pytest.mark.parametrize(
    ("changed", "outcome", "words"),
    [
        ({}, "accepted", "accepted"),
        ({("invoice", "in_1"): {"status_transitions": VOIDED}}, "superseded", "in_1 changed"),
        ({("subscription", "sub_1"): {"cancel_at": 9}}, "superseded", "sub_1 changed"),
        ({("usage", "mtrusg_1"): {"aggregated_value": 1201}}, "superseded", "aggregated_value"),
        ({("charge", "ch_7"): {"amount_refunded": 845}}, "superseded", "ch_7 changed"),
        ({("charge", "ch_7"): {"disputed": True}}, "superseded", "ch_7 changed"),
    ],
)
def test_a_price_is_put_right_only_while_all_is_as_it_was_seen(changed, outcome, words):
    sent = _sent(changed, charged_usage(billed_minor=12345), overcharged())
    assert (*sent[:2], words in sent[2]) == (outcome, True, True), sent


def _sent(changed, finding, facts):
    """What comes of the correction: its outcome, whether just that was written, and its words."""
    records = {
        ("invoice", "in_1"): INVOICE,
        ("subscription", "sub_1"): GOES_ON,
        ("usage", "mtrusg_1"): COUNTED,
        ("charge", "ch_7"): KEPT,
    }
    known = {key: {**record, **changed.get(key, {})} for key, record in records.items()}
    account = MemoryTarget("stripe", known)
    state = open_state("sqlite://")
    plan_into(state, drift(finding), context(**facts), at(0, 3))
    (view,) = list_corrections(state, states=("proposed",))
    for actor in ("ann", "eve")[: 1 + (view.mode == "approve_two")]:
        approve(state, [view.correction_id], actor, "", at(0, 4))
    limits = DispatchLimits(tries_per_run=1)
    sent = asyncio.run(dispatch(state, {"stripe": account}, lambda: at(0, 9), limits))
    (view,) = list_corrections(state)
    (outcome,) = sent.outcomes
    state.close()
    return outcome, len(account.effects) == (outcome == "accepted"), view.state_reason
