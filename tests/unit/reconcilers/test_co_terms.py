"""An add-on that was sold to end with its contract ends with it again, where all else agrees."""

import asyncio
import json
from datetime import UTC, date, datetime

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.document import WHILE
from reconcilers.corrections.states import CorrectionState
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.contract_samples import co_term, other_end
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift
from tests.memory_targets import MemoryTarget
from tests.plan_facts import context
from tests.unit.reconcilers.test_plan import only

LINE, CONTRACT = co_term()["line_id"], co_term()["contract_id"]
LAST = int(datetime(2027, 5, 31, 10, tzinfo=UTC).timestamp())  # the day after the contract's last


def of(row=None, **facts):
    return only(row or other_end(), facts=context(co_terms=[co_term(**facts)]))


def condition(system, kind, key, **shows):
    return {"system": system, "object": kind, "equals": {"id": key}, "shows": shows}


def planned_until(line_id=LINE, end=LAST, **values):
    items = [{"price": "price_1", "quantity": 1, "metadata": {"crm_contract_line_id": line_id}}]
    phase = {"start_date": LAST - 9_000_000, "end_date": end, "items": items}
    plan = {"schedule_id": "sub_sched_1", "phases": json.dumps([phase]), "runs_since": None}
    return plan | {"planned_end_date": date(2027, 5, 30)} | values


@pytest.mark.parametrize(
    ("cause", "end"), [("ends_before", "2027-05-01"), ("ends_after", "2027-08-01")]
)
def test_the_line_gets_the_end_of_its_contract_while_all_agree(cause, end):
    correction = of(other_end(cause=cause), end_date=end)
    assert (correction.object, correction.record_id) == ("Contract_Line__c", LINE)
    assert (correction.mode, correction.state) == ("approve_two", CorrectionState.PROPOSED)
    assert correction.before == {"End_Date__c": end, "Co_Termed__c": True}
    assert correction.payload == {"End_Date__c": "2027-05-30"}
    assert correction.after == {
        "End_Date__c": "2027-05-30",
        WHILE: [
            condition("salesforce", "Contract", CONTRACT, EndDate="2027-05-30"),
            condition("stripe", "subscription", "sub_1", schedule=None, cancel_at=None, ended_at=None),
        ],
    }  # fmt: skip


def test_what_billing_plans_until_then_is_looked_at_again():
    _, subscription, plan = of(**planned_until()).after[WHILE]
    assert subscription["shows"]["schedule"] == plan["equals"]["id"] == "sub_sched_1"
    assert plan["shows"]["phases"][0]["end_date"] == LAST
    assert (plan["shows"]["canceled_at"], plan["shows"]["released_at"]) == (None, None)


def test_a_notice_for_the_end_of_the_contract_agrees():
    assert not of(cancel_at=LAST).refusals


@pytest.mark.parametrize(
    ("facts", "check"),
    [
        ({"row_key": "salesforce:a02"}, "record exists"),
        ({"end_date": "2026-06-29"}, "ends ahead"),
        ({"as_of_date": date(2027, 5, 31), "end_date": "2027-08-01"}, "ends ahead"),
        ({"start_date": date(2027, 6, 1)}, "served"),
        ({"cancel_at": LAST - 86_400}, "billing agrees"),
        (planned_until(planned_end_date=date(2027, 6, 30)), "billing agrees"),
        (planned_until("a02"), "billing agrees"),
        ({"lines_beside": 1}, "one line"),
        ({"changed_side": "billing"}, "same price and units"),
    ],
)
def test_what_would_be_seen_elsewhere_is_refused_with_the_cure(facts, check):
    correction = of(**facts)
    assert correction.state is CorrectionState.REFUSED
    assert [refusal.check for refusal in correction.refusals] == [check]
    assert correction.payload == {}


def test_where_billing_cannot_be_asked_nothing_is_moved():
    state, key = open_state("sqlite://"), ("Contract_Line__c", LINE)
    contract = {"Id": CONTRACT, "EndDate": "2027-05-30"}
    line = {"Id": LINE, "End_Date__c": "2027-05-01", "Co_Termed__c": True}
    crm = MemoryTarget("salesforce", {key: line, ("Contract", CONTRACT): contract})
    plan_into(state, drift(other_end()), context(co_terms=[co_term()]), at(0, 3))
    waiting = [view.correction_id for view in list_corrections(state)]
    for who in ("ann", "eve"):
        approve(state, waiting, who, "yes", at(0, 4))
    sent = dispatch(state, {"salesforce": crm}, lambda: at(0, 9))
    assert asyncio.run(sent).outcomes == {"refused": 1}
    (view,) = list_corrections(state)
    assert "billing cannot be read" in view.state_reason
    assert crm.effects == []
    state.close()
