"""An edit of a contract line that nobody signed is taken back, once two people agreed."""

import asyncio

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.states import CorrectionState
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift, unsigned_edit
from tests.memory_targets import MemoryTarget
from tests.plan_facts import changed, context
from tests.unit.reconcilers.test_plan import only

LINE = ("Contract_Line__c", "a01Sb0000000001IAA")
SIGNED_AT = "2026-01-10T08:00:00.000+0000"
EDITED = {"Id": LINE[1], "Unit_Price__c": "10.59", "Quantity__c": "10.0", "other": 1,
          "Effective_At__c": SIGNED_AT}  # fmt: skip


def facts(**values):
    return context(**changed("unsigned_edits", **values))


def test_the_price_from_before_the_edit_is_written_back():
    correction = only(unsigned_edit())
    assert (correction.object, correction.record_id) == LINE
    assert correction.before == {"Unit_Price__c": "10.59", "Effective_At__c": SIGNED_AT}
    assert correction.payload == correction.after == {"Unit_Price__c": "9.9"}
    assert (correction.state, correction.mode) == (CorrectionState.PROPOSED, "approve_two")


def test_all_that_one_save_changed_goes_back_together():
    edit = {"quantity_before": "12", "discount_percent_before": "2.5"}
    assert only(unsigned_edit(), facts=facts(**edit)).payload == {
        "Quantity__c": "12.0",
        "Unit_Price__c": "9.9",
        "Discount_Percent__c": "2.5",
    }


@pytest.mark.parametrize(
    ("edit", "check"),
    [
        ({"row_key": "salesforce:800B:PLAT"}, "document"),
        ({"lines": 2}, "one line"),
        ({"is_signed": True}, "newest save"),
        ({"is_signed": None}, "newest save"),
        ({"changes_term": True}, "price and units alone"),
        ({"mrr_before_minor": 9902}, "agreed before"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_cure(edit, check):
    correction = only(unsigned_edit(), facts=facts(**edit))
    assert correction.state is CorrectionState.REFUSED
    assert [refusal.check for refusal in correction.refusals] == [check]
    assert correction.payload == {}


def test_a_twelfth_of_a_yearly_price_may_be_rounded():
    assert not only(unsigned_edit(), facts=facts(mrr_before_minor=9901)).refusals


def send(state, crm):
    return dict(asyncio.run(dispatch(state, {"salesforce": crm}, lambda: at(0, 9))).outcomes)


def agreed(state, hour):
    waiting = [view.correction_id for view in list_corrections(state, states=("proposed",))]
    for who in ("ann", "eve"):
        approve(state, waiting, who, "yes", at(0, hour))


def test_it_is_taken_back_and_made_again():
    state, crm = open_state("sqlite://"), MemoryTarget("salesforce", {LINE: EDITED})
    plan_into(state, drift(unsigned_edit()), context(), at(0, 3))
    agreed(state, 4)
    assert send(state, crm) == {"accepted": 1}
    assert crm.records[LINE] == {**EDITED, "Unit_Price__c": "9.9"}
    compensate(state, [list_corrections(state)[0].correction_id], "ben", "meant", at(0, 10))
    agreed(state, 11)
    assert send(state, crm) == {"accepted": 1}
    assert crm.records[LINE] == EDITED


def test_a_line_that_was_edited_again_is_left_as_it_is():
    state, crm = open_state("sqlite://"), MemoryTarget("salesforce", {LINE: EDITED})
    plan_into(state, drift(unsigned_edit()), context(), at(0, 3))
    agreed(state, 4)
    crm.records[LINE] = {**EDITED, "Unit_Price__c": "11.0"}
    assert send(state, crm) == {"superseded": 1}
    assert crm.effects == []
