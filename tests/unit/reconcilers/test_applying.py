"""Payments and memos are applied as billing applied them: the whole set, and the former one back."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.diff import changes
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.images import shows
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.state.views import list_corrections
from tests.application_samples import (
    apply,
    facts,
    misapplied_memo,
    misapplied_payment,
    netted_facts,
    netted_payment,
    part,
)
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.effort import examples
from tests.memory_targets import netsuite
from tests.plan_facts import changed, context
from tests.unit.reconcilers.test_journals import LIFE, planned

BANKED = misapplied_payment(entity="payment", row_key="netsuite:9", owner_id="9", replica_id=None)


def test_a_payment_is_taken_off_and_applied_in_one_call():
    correction = planned(misapplied_payment(), **facts())
    assert (correction.object, correction.record_id) == ("customerPayment", "8001")
    assert (correction.operation, correction.state) == ("update", "approved")
    assert correction.before == apply(i7003="60.00")
    assert correction.payload == correction.after == apply(i7002="40.00")


def test_what_is_applied_rightly_stays_so():
    right = facts(part("7001", 5000, 5000, unpaid_minor=0), part("7002", 0, 4000))
    correction = planned(misapplied_payment(), **right)
    assert correction.before == apply(i7001="50.00")
    assert correction.payload == apply(i7001="50.00", i7002="40.00")


def test_a_memo_is_applied_as_its_note_is():
    memo = facts(row_key="stripe:cn_1/in_2/invoice", object="creditMemo")
    correction = planned(misapplied_memo(), **memo)
    assert (correction.object, correction.attribute) == ("creditMemo", "apply")
    assert correction.state == "approved"


def test_what_the_bank_collected_is_applied_as_its_payer_says_once_a_person_agrees():
    named = facts(part("7002", 0, 4000), row_key="netsuite:9", is_banked=True)
    correction = planned(BANKED, **named)
    assert (correction.record_id, correction.state) == ("8001", "proposed")
    assert correction.payload == apply(i7002="40.00")


def one(**values):
    return facts(part("7002", 0, 4000, **values))


@pytest.mark.parametrize(
    ("row", "given", "field", "words"),
    [
        (BANKED, facts(), "apply.items", "neither billing nor its payer says for sure what 9 pays"),
        (misapplied_payment(), one(unpaid_minor=3999), "apply.items.doc", "only 3999"),
        (misapplied_payment(), one(currency="EUR"), "apply.items.doc", "is in EUR"),
        (misapplied_payment(), one(customer_id="502"), "entity", "of customer 502"),
        (misapplied_payment(), one(is_guess=True), "apply.items.doc", "from the balance"),
        (misapplied_payment(), facts(part(None, 0, 1)), "apply.items.doc", "does not have"),
        (
            misapplied_payment(),
            facts(part("7002", 0, 4000), part("7003", 2000, 0, is_billed=False)),
            "apply.items.doc",
            "billing knows nothing",
        ),
        (misapplied_payment(), facts(available_minor=3999), "apply.items.amount", "1 minor units"),
        (misapplied_payment(), facts(voided="T"), "voided", "it is void"),
        (misapplied_payment(), facts(currency="CHF"), "currency", "no CHF"),
        (misapplied_payment(), facts(period_id="1"), "postingPeriod", "not in the snapshot"),
        (
            misapplied_payment(),
            facts() | changed("erp_periods", 1, is_closed="T"),
            "postingPeriod",
            "is closed",
        ),
    ],
)
def test_what_is_not_certain_is_refused_with_its_field(row, given, field, words):
    correction = planned(row, **given)
    found = [refusal.problem for refusal in correction.refusals if refusal.field == field]
    assert any(words in problem for problem in found), correction.refusals
    assert (correction.state, correction.payload) == ("refused", {})


def test_a_payment_that_lost_its_fee_gets_its_gross_amount_and_pays_it():
    correction = planned(netted_payment(), **netted_facts())
    assert (correction.object, correction.state) == ("customerPayment", "proposed")
    assert correction.before == {"payment": "85.5", **apply(i7002="85.50")}
    assert correction.payload == {"payment": "90.0", **apply(i7002="90.00")}


@pytest.mark.parametrize("cause", ["short", "over", "other_currency"])
def test_what_was_typed_wrong_or_paid_short_is_for_people(cause):
    frame = drift(netted_payment(cause=cause))
    lives = dict.fromkeys(frame["exception_key"], LIFE)
    assert plan(frame, (), lives, context(**netted_facts()), load_policy()) == ()


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({}, "payment", "8001 is not in the snapshot"),
        (netted_facts(is_deposited=True), "payment", "is deposited, so its amount stands"),
        (netted_facts(available_minor=8549), "apply.items.amount", "1 minor units more"),
        (netted_facts(part("7002", 8550, 9000, unpaid_minor=449)), "apply.items.doc", "only 8999"),
        (netted_facts(voided="T"), "voided", "it is void"),
        (netted_facts() | changed("erp_periods", 1, is_closed="T"), "postingPeriod", "is closed"),
    ],
)
def test_a_payment_that_cannot_get_its_fee_back_is_refused(given, field, words):
    correction = planned(netted_payment(), **given)
    found = [refusal.problem for refusal in correction.refusals if refusal.field == field]
    assert any(words in problem for problem in found), correction.refusals
    assert (correction.state, correction.payload) == ("refused", {})


amounts = st.dictionaries(st.sampled_from("1234"), st.integers(1, 10**6), max_size=4)


@settings(max_examples=examples(50), deadline=None)
@given(amounts, amounts)
def test_sets_of_applications_are_alike_only_if_they_are_the_same(held, wanted):
    lines = [
        {"doc": {"id": k, "refName": "x"}, "amount": float(v), "apply": True, "due": 0.0}
        for k, v in reversed(held.items())
    ]
    left = {"doc": {"id": "9"}, "apply": False}
    seen = {"apply": {"items": [*lines, left], "links": []}}
    assert shows(seen, apply(**{f"i{k}": f"{v}.00" for k, v in wanted.items()})) == (held == wanted)


def test_a_set_that_cannot_be_seen_is_not_an_empty_one():
    assert not shows({"id": "8001"}, apply())


def erp():
    target = netsuite()
    paid = {"id": "8001", "postingPeriod": {"id": "2606"}, **apply(i7003="60.0")}
    target.records["customerPayment", "8001"] = paid
    for key, left in (("7002", "40"), ("7003", "60")):
        invoice = {"id": key, "voided": "F", "foreignamountunpaid": left}
        target.records["transaction", key] = invoice
    return target


def send(state, target):
    limits = DispatchLimits(tries_per_run=1)
    return asyncio.run(dispatch(state, {"netsuite": target}, lambda: at(0, 9), limits)).outcomes


@pytest.mark.parametrize(
    ("record", "values", "outcome"),
    [
        (("transaction", "7002"), {}, "accepted"),
        (("transaction", "7002"), {"foreignamountunpaid": "39.99"}, "refused"),
        (("transaction", "7002"), {"voided": "T"}, "refused"),
        (("accountingperiod", "2606"), {"arlocked": "T"}, "refused"),
        (("customerPayment", "8001"), apply(i7003="59.00"), "superseded"),
        (("customerPayment", "8001"), apply(), "superseded"),
    ],
)
def test_what_changed_since_the_plan_stops_it(state, record, values, outcome):
    target = erp()
    target.records[record] |= values
    plan_into(state, drift(misapplied_payment()), context(**facts()), at(0, 3))
    assert send(state, target) == {outcome: 1}
    assert len(target.effects) == (outcome == "accepted")


@pytest.mark.parametrize("is_deposited", [False, True])
def test_an_amount_is_changed_only_before_the_deposit(state, is_deposited):
    target = erp()
    target.records["customerPayment", "8001"] |= {"payment": "85.5", **apply(i7002="85.5")}
    target.records["transaction", "7002"]["foreignamountunpaid"] = "4.5"
    if is_deposited:
        link = {"previousdoc": "8001", "linktype": "Deposit"}
        target.records["previoustransactionlinelink", "1"] = link
    plan_into(state, drift(netted_payment()), context(**netted_facts()), at(0, 3))
    approve(state, [v.correction_id for v in list_corrections(state)], "ann", "", at(0, 4))
    assert send(state, target) == {"refused" if is_deposited else "accepted": 1}


def test_the_former_set_is_put_back(state):
    target = erp()
    plan_into(state, drift(misapplied_payment()), context(**facts()), at(0, 3))
    (view,) = list_corrections(state)
    assert {(c.field, c.before, c.after) for c in changes(view)} == {
        ("apply.items[1].doc.id", "7003", "7002"),
        ("apply.items[1].apply", "True", "True"),
        ("apply.items[1].amount", "60.00", "40.00"),
    }
    send(state, target)
    (undo,) = compensate(state, [view.correction_id], "ben", "wrong", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    assert send(state, target) == {"accepted": 1}
    assert shows(target.records["customerPayment", "8001"], apply(i7003="60.00"))
