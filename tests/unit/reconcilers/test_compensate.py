"""Undoing a correction restores what was there, under the same rules as any other correction."""

import asyncio
import sqlite3
from datetime import date
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.errors import UnknownOutcome
from reconcilers.corrections.approval import ApprovalRefusedError, approve, reject
from reconcilers.corrections.compensate import (
    CompensationRefusedError,
    compensate,
)
from reconcilers.corrections.correction import UNDOING, Action
from reconcilers.corrections.customer_links import FIELDS
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.field_copies import COPIES
from reconcilers.corrections.outbox import move, store_plan
from reconcilers.corrections.policy import CEILINGS, Mode, load_policy
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.undos import UNDONE_BY
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.state import open_state
from reconcilers.state.audit import verify_audit
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.views import list_corrections
from tests.correction_samples import SEALS, at, plan_into
from tests.drift_samples import DAY, copied_journal, drift, lost_link, missing_invoice, stale_status
from tests.effort import examples
from tests.field_samples import CASES
from tests.memory_targets import MemoryTarget, netsuite, salesforce, stripe
from tests.plan_facts import changed, context
from tests.unit.reconcilers.test_plan_links import field, wrong_link

POLICY = load_policy()
LIFE = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])
# Which classes lead to which write; a new write needs a line here, and one in UNDONE_BY.
SIGNED = (
    "SUB-QTY-01", "CON-TERM-01", "CON-DISC-01", "CON-AMT-01", "PRD-BAS-01", "CON-AMD-01", "CON-RAMP-01",
)  # fmt: skip
WRITES = {
    ("CUS-MISS-01", "link_lost"): "link_crm_account",
    ("CUS-LINK-01", "merged"): "correct_customer_link",
    ("CUS-LINK-01", None): "correct_customer_link",
    ("SUB-STAT-01", "crm_copy_stale"): "copy_subscription_status",
    ("SUB-STAT-01", "billing_after_cancel"): "copy_field",
    ("CON-REN-01", "billed_after_churn"): "copy_field",
    ("SUB-DUP-01", None): "end_billing_copy",
    ("CON-MISS-01", None): "plan_subscription",
    ("INV-MISS-01", None): "post_erp_invoice",
    **{key: "copy_field" for key in CEILINGS if key[0] in {*COPIES, *SIGNED}},
    ("CRN-MISS-01", "never_posted"): "post_erp_credit_memo",
    ("PAY-MISS-01", None): "post_erp_payment",
    ("INV-DUP-01", None): "credit_erp_copy",
    ("INV-STAT-01", "void_not_copied"): "credit_erp_copy",
    ("INV-SCHD-01", "stale_draft"): "finalize_draft",
    ("RFD-MISS-01", "no_credit_note"): "issue_credit_note",
    ("PAY-OOB-01", "in_full"): "pay_out_of_band",
    ("PAY-APPL-01", None): "apply_erp_settlement",
    ("RFD-MISS-01", "not_posted"): "post_erp_refund",
    ("PYT-DEP-01", "not_deposited"): "post_erp_deposit",
    ("CRN-APPL-01", None): "apply_erp_settlement",
    ("PAY-AMT-01", "fee_netted"): "apply_erp_settlement",
    **dict.fromkeys(
        ((code, None) for code in ("INV-AMT-01", "TAX-AMT-01", "TAX-CODE-01", "INV-LINE-01")),
        "amend_erp_invoice",
    ),
    ("PRD-PRC-01", None): "make_price",
    ("USG-QTY-01", "not_billed"): "bill_usage",
    ("USG-QTY-01", "billed_too_much"): "credit_usage",
    ("USG-RATE-01", "charged_too_little"): "bill_usage",
    ("USG-RATE-01", "charged_too_much"): "credit_usage",
    ("PAY-DUP-01", "charged_twice"): "refund_charge",
    ("INV-MISS-02", "unpaid"): "credit_erp_copy",
    ("JE-PER-01", None): "copy_field",
    ("PRD-GL-01", None): "copy_field",
    ("JE-DUP-01", None): "post_erp_journal",
    ("JE-ACC-01", None): "post_erp_journal",
    ("DSP-LIFE-01", "not_posted"): "post_erp_journal",
    ("PYT-CLR-01", "journal_by_hand"): "post_erp_journal",
    ("REV-AMT-01", None): "post_erp_journal",
    ("CUS-MISS-01", "account_missing"): "create_crm_account",
    ("CUS-MISS-02", None): "create_erp_customer",
    ("REV-STOP-01", None): "post_erp_journal",
    ("CON-MISS-02", "no_contract"): "ask_for_paper",
    ("CON-AMD-02", None): "ask_for_paper",
    ("CON-REN-01", "renewed_in_billing_only"): "ask_for_paper",
    ("REV-SCH-01", "planned_twice"): "post_erp_journal",
    ("CON-AMD-01", "unsigned"): "revert_unsigned_edit",
    ("CON-COT-01", "ends_before"): "move_line_end",
    ("CON-COT-01", "ends_after"): "move_line_end",
    ("CON-COT-01", "another_subscription"): "move_add_on",
}
links = st.none() | st.text("abcXYZ019_", min_size=1, max_size=8)


def planned(state, *rows, **facts):
    plan_into(state, drift(*rows), context(**facts), at(0, 3))
    waiting = list_corrections(state, states=("proposed", "held"))
    approve(state, [view.correction_id for view in waiting], "ann", "yes", at(0, 4))


def send(state, *targets):
    known = {"salesforce": salesforce(), "netsuite": netsuite(), "stripe": stripe()}
    known |= {target.system: target for target in targets}
    return asyncio.run(dispatch(state, known, lambda: at(0, 9), seals=SEALS))


def undo(state, maker="ben", checker="ann", hour=10):
    taken = list_corrections(state, states=("accepted",))
    made = compensate(state, [view.correction_id for view in taken], maker, "wrong", at(0, hour))
    said = approve(state, [one.correction_id for one in made], checker, "", at(0, hour))
    approve(state, [one.correction_id for one in said if one.still_needed], "eve", "", at(0, hour))
    return made


def leave_unpaid(erp, left="120.00"):
    erp.records["invoice", "in_1"] |= {"foreigntotal": "120.0", "foreignamountunpaid": left}


@pytest.fixture(scope="module")
def emptied():
    """Gives one store, empty each time: migrations take longer than all else."""
    opened, pristine = open_state("sqlite://"), sqlite3.connect(":memory:")
    holder = opened.engine.raw_connection()
    holder.driver_connection.backup(pristine)

    def empty():
        pristine.backup(holder.driver_connection)
        return opened

    yield empty
    holder.close()
    opened.close()
    pristine.close()


@settings(max_examples=examples(15), deadline=None)
@given(st.sampled_from(sorted(FIELDS)), links, links)
def test_what_was_corrected_and_undone_is_as_it_was(emptied, which, held, beside):
    system, attribute = which
    record_id = {"salesforce": "001A", "stripe": "cus_A", "netsuite": "501"}[system]
    where = FIELDS[which]
    before = {"id": record_id, **where.holding(held), "other": beside}
    target = MemoryTarget(system, {(where.object, record_id): before})
    state = emptied()
    row = wrong_link(system, attribute, record_id, expected="right", observed=held)
    planned(state, row, held_fields=[field(system, attribute, record_id, held)])
    send(state, target)
    assert target.records[where.object, record_id] == {**before, **where.holding("right")}
    undo(state)
    send(state, target)
    assert target.records[where.object, record_id] == before
    assert len(target.effects) == 2
    assert verify_audit(state).holds


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_field_that_was_corrected_and_undone_is_as_it_was(emptied, case):
    state, key = emptied(), (case.place.object, case.record_id)
    target = {"salesforce": salesforce, "netsuite": netsuite, "stripe": stripe}[case.system]()
    target.records[key] = before = case.record
    planned(state, case.finding(), **case.facts())
    send(state, target)
    assert target.records[key] == {**before, **case.place.holding(case.wanted)}
    undo(state)
    send(state, target)
    assert target.records[key] == before
    assert len(target.effects) == 2


@pytest.mark.parametrize("case", [one for one in CASES if one.place.object == "invoice"], ids=str)
def test_a_document_whose_period_closed_is_neither_changed_nor_changed_back(emptied, case):
    def close(**flags):
        erp.records["accountingperiod", "2606"] |= flags

    state, erp = emptied(), netsuite()
    erp.records["invoice", case.record_id] = case.record
    planned(state, case.finding(), **case.facts())
    close(arlocked="T")
    assert send(state, erp).outcomes == {"refused": 1}
    (view,) = list_corrections(state)
    assert view.refusals[0]["field"] == "postingPeriod"
    close(arlocked="F")
    with state.begin() as session:
        move(
            session, session.get_one(CorrectionRecord, view.correction_id),
            CorrectionState.APPROVED, actor="tieout", reason=None, at=at(0, 5),
        )  # fmt: skip
    assert send(state, erp).outcomes == {"accepted": 1}
    undo(state)
    close(closed="T")
    assert send(state, erp).outcomes == {"refused": 1}
    assert len(erp.effects) == 1


def test_a_billing_id_that_another_document_took_since_the_plan_is_not_given_twice(emptied):
    case = next(one for one in CASES if one.code == "CTL-XREF-01")
    state, erp = emptied(), netsuite()
    erp.records["invoice", case.record_id] = case.record
    erp.records["transaction", "9002"] = {"id": "9002", "custbody_stripe_invoice_id": "in_1"}
    planned(state, case.finding(), **case.facts())
    assert send(state, erp).outcomes == {"refused": 1}
    (view,) = list_corrections(state)
    assert view.state_reason.endswith("9002 already names in_1")
    assert erp.effects == []


def test_a_status_and_its_date_go_back_together(state):
    planned(state, stale_status())
    target = salesforce()
    before = dict(target.records["Subscription__c", "a0S1"])
    send(state, target)
    undo(state)
    send(state, target)
    assert target.records["Subscription__c", "a0S1"] == before


def test_what_somebody_changed_since_is_not_undone(state):
    planned(state, lost_link())
    target = salesforce()
    send(state, target)
    target.records["Account", "001A"]["Stripe_Customer_Id__c"] = "cus_Z"
    undo(state)
    assert send(state, target).outcomes == {"superseded": 1}
    assert target.records["Account", "001A"]["Stripe_Customer_Id__c"] == "cus_Z"


def test_a_posted_invoice_is_credited_once_and_only_while_it_is_ours(state):
    planned(state, missing_invoice())
    target = netsuite()
    send(state, target)
    (made,) = undo(state)
    assert (made.target, made.record_id) == ("netsuite.creditMemo", "eid:in_1")
    target.records["invoice", "in_1"]["memo"] = "rebooked by hand"
    assert send(state, target).outcomes == {"superseded": 1}
    assert ("creditMemo", "eid:in_1") not in target.effects


def test_two_people_approve_that_a_posted_invoice_is_credited_whatever_its_class_asks(state):
    planned(state, missing_invoice())
    send(state)
    (view,) = list_corrections(state)
    assert view.mode == Mode.APPROVE.value
    (made,) = compensate(state, [view.correction_id], "ben", "wrong", at(0, 10))
    (first,) = approve(state, [made.correction_id], "ann", "", at(0, 11))
    assert (first.state, first.still_needed) == ("proposed", 1)


@pytest.mark.parametrize("left", ["119.99", "0", None])
def test_an_invoice_of_which_something_may_be_paid_is_not_credited_until_that_is_off(state, left):
    planned(state, missing_invoice())
    erp = netsuite()
    send(state, erp)
    leave_unpaid(erp, left)
    (made,) = undo(state)
    assert send(state, erp).outcomes == {"refused": 1}
    assert ("creditMemo", "eid:in_1") not in erp.effects
    assert {v.state for v in list_corrections(state)} == {"refused", "accepted"}
    leave_unpaid(erp)
    (again,) = undo(state, maker="kim", hour=12)
    assert again == made
    assert send(state, erp).outcomes == {"accepted": 1}
    assert {v.state for v in list_corrections(state)} == {"accepted", "compensated"}


def test_a_memo_that_a_look_missed_is_not_refused_as_somebody_elses_payment(state):
    planned(state, missing_invoice())
    erp = netsuite()
    send(state, erp)
    leave_unpaid(erp)
    undo(state)
    erp.script = [("before", UnknownOutcome("netsuite", "timed out"))]
    asyncio.run(
        dispatch(state, {"netsuite": erp}, lambda: at(0, 9), DispatchLimits(tries_per_run=1))
    )
    leave_unpaid(erp, "0")
    send(state, erp)
    assert [v.state for v in list_corrections(state) if v.action in UNDOING] == ["approved"]


def test_the_maker_of_an_undo_does_not_approve_it(state):
    planned(state, lost_link())
    send(state)
    with pytest.raises(ApprovalRefusedError, match="ben made"):
        undo(state, checker="ben")


def test_only_what_a_target_took_is_undone_and_only_once(state):
    planned(state, lost_link())
    (view,) = list_corrections(state)
    with pytest.raises(CompensationRefusedError, match="is approved: only what a target took"):
        compensate(state, [view.correction_id], "ben", "")
    send(state)
    (made,) = undo(state)
    with pytest.raises(CompensationRefusedError, match=f"{made.correction_id} is approved"):
        compensate(state, [view.correction_id], "ben", "")


def test_an_undo_of_an_undo_is_the_correction_again_but_not_of_a_credit_memo(state):
    planned(state, lost_link(), missing_invoice())
    target, erp = salesforce(), netsuite()
    send(state, target, erp)
    undo(state)
    leave_unpaid(erp)
    send(state, target, erp)
    undone = [v for v in list_corrections(state, states=("accepted",)) if v.action in UNDOING]
    field_undo, credit = sorted(undone, key=lambda view: view.system, reverse=True)
    compensate(state, [field_undo.correction_id], "ben", "")
    with pytest.raises(CompensationRefusedError, match=r"void creditMemo .* by hand"):
        compensate(state, [credit.correction_id], "ben", "")


def test_a_night_neither_plans_nor_closes_an_undo(state):
    planned(state, lost_link())
    send(state)
    taken = list_corrections(state)
    compensate(state, [view.correction_id for view in taken], "ben", "wrong", at(0, 10))
    store_plan(state, (), {}, DAY, at(1, 3))
    assert sorted(view.state for view in list_corrections(state)) == ["accepted", "proposed"]


def test_what_cannot_be_undone_is_never_automatic():
    assert set(WRITES) == set(CEILINGS)
    assert set(WRITES.values()) == set(get_args(Action))
    for rule, action in WRITES.items():
        assert action in UNDONE_BY or CEILINGS[rule] is not Mode.AUTO


def test_a_field_that_was_empty_is_emptied_again(state):
    facts = changed("crm_accounts", stripe_customer_id="")
    planned(state, lost_link(), **facts)
    target = salesforce()
    send(state, target)
    undo(state)
    send(state, target)
    assert not target.records["Account", "001A"]["Stripe_Customer_Id__c"]


@pytest.mark.parametrize("day", [None, date(2026, 7, 2)])
def test_after_a_no_an_undo_may_be_asked_for_again(state, day):
    """Such as of a journal whose month is closed: on another day, or on its own after all."""
    planned(state, copied_journal())
    (view,) = list_corrections(state)
    approve(state, [view.correction_id], "eve", "yes", at(0, 4))
    send(state)
    (first,) = compensate(state, [view.correction_id], "ben", "wrong", at(0, 10))
    reject(state, [first.correction_id], "ann", "not in that month", at(0, 11))
    (again,) = compensate(state, [view.correction_id], "ben", "wrong", at(0, 12), day)
    assert again.correction_id != first.correction_id
    with pytest.raises(CompensationRefusedError, match=f"{again.correction_id} is proposed"):
        compensate(state, [view.correction_id], "ben", "wrong", at(0, 12), day)
    for person in ("ann", "eve"):
        approve(state, [again.correction_id], person, "", at(0, 13))
    states = {one.correction_id: one.state for one in list_corrections(state)}
    assert states == {
        view.correction_id: "accepted",
        first.correction_id: "rejected",
        again.correction_id: "approved",
    }
