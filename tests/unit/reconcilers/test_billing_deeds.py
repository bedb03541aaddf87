"""What is done to a document of billing: planned from one night, and asked again before the call."""

import asyncio

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import CompensationRefusedError, compensate
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.look import Standing, look
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.billing_samples import drafts, receipts, stale_draft, untold_payment
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.memory_targets import MemoryTarget, netsuite
from tests.plan_facts import context
from tests.unit.reconcilers.test_journals import planned
from tests.unit.reconcilers.test_plan import planned as plans

TOLD = {"erp_payment_id": "8875", "q2c_correlation_id": "q2c_006A"}
LINK = ("previoustransactionlinelink", "8875/7954")


def test_an_invoice_that_the_bank_paid_is_marked_so_once_a_person_agreed():
    correction = planned(untold_payment(), **receipts())
    assert (correction.system, correction.object) == ("stripe", "invoice/pay")
    assert (correction.record_id, correction.mode) == ("in_1", "approve")
    assert correction.before == {"status": "open", "amount_remaining": 12000}
    assert correction.payload == {"paid_out_of_band": True, "metadata": TOLD}


def test_an_invoice_without_a_thread_gets_none():
    correction = planned(untold_payment(correlation_id=None), **receipts(thread=None))
    assert correction.payload["metadata"] == {"erp_payment_id": "8875"}


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"bank_receipts": []}, "invoice.id", "not in the snapshot"),
        (receipts(status="paid"), "invoice.status", "is paid"),
        (receipts(voided="T"), "voided", "is void"),
        (receipts(parts=2), "foreignamount", "in 2 parts"),
        (receipts(applied_minor=12001), "invoice.amount_remaining", "1 minor units"),
        (receipts(remaining_minor=12001), "invoice.amount_remaining", "-1 minor units"),
    ],
)
def test_what_is_not_paid_for_certain_is_refused(facts, field, words):
    correction = planned(untold_payment(), **facts)
    (refusal,) = correction.refusals
    assert (refusal.field, words in refusal.problem) == (field, True), refusal
    assert (correction.state, correction.payload) == ("refused", {})


def test_a_part_of_an_invoice_is_taken_up_by_people():
    assert plans(untold_payment(cause="in_part"), facts=context(**receipts())) == ()


def test_a_draft_past_its_time_goes_out_once_a_person_agreed():
    correction = planned(stale_draft(), **drafts())
    assert (correction.object, correction.record_id) == ("invoice/finalize", "in_5")
    assert correction.before == {"status": "draft", "total": 12000, "auto_advance": True}
    assert (correction.payload, correction.mode) == ({"auto_advance": True}, "approve")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"stale_drafts": []}, "invoice.id"),
        (drafts(status="open"), "invoice.status"),
        (drafts(auto_advance=False), "invoice.auto_advance"),
        (drafts(total=0), "invoice.total"),
    ],
)
def test_a_draft_that_is_not_to_go_out_is_refused(facts, field):
    correction = planned(stale_draft(), **facts)
    assert [refusal.field for refusal in correction.refusals] == [field]
    assert (correction.state, correction.payload) == ("refused", {})


@pytest.mark.parametrize("cause", ["number_gap", "not_invoiced"])
def test_what_was_never_drafted_is_looked_into_by_people(cause):
    assert plans(stale_draft(cause=cause), facts=context(**drafts())) == ()


def billing(**changed):
    """Billing with the open invoice, and what is done to it."""
    invoice = {"id": "in_1", "status": "open", "amount_remaining": 12000, **changed}
    return MemoryTarget("stripe", {("invoice/pay", "in_1"): invoice})


def erp():
    """The ERP with the payment, applied."""
    target = netsuite()
    for key, total in (("8875", "200"), ("7954", "120")):
        shown = {"id": key, "voided": "F", "foreigntotal": total}
        target.records["transaction", key] = shown
    target.records[LINK] = {"nextdoc": "8875", "previousdoc": "7954", "foreignamount": "120"}
    return target


@pytest.fixture
def state():
    opened = open_state("sqlite://")
    plan_into(opened, drift(untold_payment()), context(**receipts()), at(0, 3))
    (view,) = list_corrections(opened, states=("proposed",))
    approve(opened, [view.correction_id], "ann", "", at(0, 4))
    yield opened
    opened.close()


def send(state, *targets):
    known, limits = {target.system: target for target in targets}, DispatchLimits(tries_per_run=1)
    return asyncio.run(dispatch(state, known, lambda: at(0, 9), limits)).outcomes


@pytest.mark.parametrize(
    ("key", "change", "outcome"),
    [
        (LINK, {}, "accepted"),
        (LINK, {"foreignamount": "60"}, "superseded"),
        (("transaction", "8875"), {"voided": "T"}, "superseded"),
        (("transaction", "8875"), {"foreigntotal": "120"}, "superseded"),
        (("transaction", "7954"), {"voided": "T"}, "superseded"),
    ],
)
def test_a_payment_that_is_no_longer_as_it_was_pays_nothing(state, key, change, outcome):
    books, account = erp(), billing()
    books.records[key] |= change
    assert send(state, account, books) == {outcome: 1}
    assert len(account.effects) == (outcome == "accepted")


@pytest.mark.parametrize("changed", [{"status": "void"}, {"amount_remaining": 11000}])
def test_an_invoice_that_changed_meanwhile_is_left_alone(state, changed):
    account = billing(**changed)
    assert send(state, account, erp()) == {"superseded": 1}
    assert account.effects == []


@pytest.mark.parametrize(("is_beside", "standing"), [(True, "DESIRED"), (False, "OTHER")])
def test_our_metadata_on_what_a_card_paid_is_no_payment_of_the_bank(is_beside, standing):
    """The call that wrote them never came to pay."""
    correction = planned(untold_payment(), **receipts())
    paid = {"status": "paid", "amount_remaining": 0, "metadata": TOLD}
    account = billing(**paid, paid_out_of_band=is_beside)
    assert asyncio.run(look(account, correction)).standing is Standing[standing]


def test_nothing_is_paid_while_the_erp_cannot_be_asked(state):
    account = billing()
    assert send(state, account) == {"refused": 1}
    assert account.effects == []


def test_what_was_paid_is_not_undone_from_here(state):
    send(state, billing(), erp())
    (view,) = list_corrections(state)
    with pytest.raises(CompensationRefusedError, match="cannot be undone from here"):
        compensate(state, [view.correction_id], "ben", "wrong", at(0, 10))
