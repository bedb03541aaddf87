"""What is served without a contract gets an opportunity that asks sales for the paper."""

import asyncio
from datetime import date

import pytest

from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.states import CorrectionState
from reconcilers.state import open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, plan_into
from tests.drift_samples import drift, unpapered, unpapered_change
from tests.memory_targets import MemoryTarget
from tests.plan_facts import changed, context
from tests.unit.reconcilers.test_plan import only, planned

KEY = ("Opportunity", "unpapered_sub_N")


def facts(**values):
    return context(**changed("unpapered", **values))


def test_sales_is_asked_for_the_paper_of_a_year_of_what_billing_charges():
    correction = only(unpapered())
    assert correction.payload == {
        "Name": "Unpapered sub_N",
        "AccountId": "001Sb0000000001IAA",
        "StageName": "Needs Paper",
        "Amount": "1188.0",
        "CurrencyIsoCode": "GBP",
        "CloseDate": "2026-07-14",
    }
    assert (correction.object, correction.record_id) == KEY
    assert correction.state is CorrectionState.PROPOSED


def test_of_a_change_sales_is_asked_for_the_year_that_it_makes():
    correction = only(unpapered_change())
    assert correction.record_id == "amendment_800A_PLAT"
    assert correction.payload["Name"] == "Amendment 800A PLAT"
    assert correction.payload["Amount"] == "-102.0"
    assert correction.state is CorrectionState.PROPOSED


def test_of_a_term_that_billing_alone_renewed_two_people_let_sales_be_asked():
    renewed = {"code": "CON-REN-01", "cause": "renewed_in_billing_only"}
    correction = only({**unpapered_change(), **renewed, "row_key": "salesforce:800R"})
    assert correction.payload["Name"] == "Renewal 800R"
    assert (correction.state, correction.mode) == (CorrectionState.PROPOSED, "approve_two")


def test_a_new_period_is_no_other_correction():
    later = only(unpapered(), facts=facts(period_end=date(2026, 8, 14)))
    assert later.idempotency_key == only(unpapered()).idempotency_key
    dearer = only(unpapered(), facts=facts(monthly_minor=10000))
    assert dearer.idempotency_key != later.idempotency_key


def test_where_paper_is_that_nobody_signed_people_decide():
    assert planned(unpapered(cause="not_signed")) == ()


@pytest.mark.parametrize(
    ("found", "check"),
    [
        ({"accounts": 0, "account_id": None}, "account"),
        ({"accounts": 2}, "account"),
        ({"currency": "XXX"}, "currency"),
        ({"period_end": None}, "close date"),
        ({"row_key": "stripe:sub_other"}, "document"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_cure(found, check):
    correction = only(unpapered(), facts=facts(**found))
    assert correction.state is CorrectionState.REFUSED
    assert [refusal.check for refusal in correction.refusals] == [check]


def sent(records, status="active"):
    state, crm = open_state("sqlite://"), MemoryTarget("salesforce", records)
    plan_into(state, drift(unpapered()), context(), at(0, 3))
    (waiting,) = list_corrections(state)
    approve(state, [waiting.correction_id], "ann", "yes", at(0, 4))
    return state, crm, send(state, crm, status)


def send(state, crm, status="active"):
    billed = {("subscription", "sub_N"): {"id": "sub_N", "status": status}}
    targets = {"salesforce": crm, "stripe": MemoryTarget("stripe", billed)}
    return dict(asyncio.run(dispatch(state, targets, lambda: at(0, 9))).outcomes)


def test_it_is_asked_once_and_taken_back_by_closing_it_as_lost():
    state, crm, outcomes = sent({})
    assert outcomes == {"accepted": 1}
    made = crm.records[KEY]
    crm.records["Opportunity", made["id"]] = made
    (undo,) = compensate(state, [list_corrections(state)[0].correction_id], "ben", "no", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    assert send(state, crm) == {"accepted": 1}
    assert crm.records["Opportunity", made["id"]]["StageName"] == "Closed Lost"


def test_what_sales_went_on_with_is_not_closed():
    state, crm, _ = sent({})
    made = crm.records[KEY]
    crm.records["Opportunity", made["id"]] = made | {"StageName": "Closed Won"}
    (undo,) = compensate(state, [list_corrections(state)[0].correction_id], "ben", "no", at(0, 10))
    approve(state, [undo.correction_id], "ann", "", at(0, 11))
    assert send(state, crm) == {"superseded": 1}


def test_what_is_served_no_more_is_not_asked_for():
    _, crm, outcomes = sent({}, "canceled")
    assert outcomes == {"refused": 1}
    assert crm.effects == []


def test_what_is_asked_for_already_under_its_key_is_not_asked_for_again():
    """Whatever sales made of it, and calls it, since."""
    _, crm, outcomes = sent({KEY: {"Id": "006", "Name": "Renamed", "StageName": "Proposal"}})
    assert outcomes == {"superseded": 1}
    assert crm.effects == []
