"""Dispatch against real servers: killed at every step, on bad wires, and several at once.

Always the same end: every approved correction took effect once, and the outbox knows it.
"""

import random

import pytest

from reconcilers.corrections.states import CorrectionState
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_corrections, show_correction

DONE = [CorrectionState.ACCEPTED.value] * 3


def assert_done_once(case):
    assert case.states() == DONE
    assert case.is_corrected()
    assert case.effects() == [1, 1, 1]
    assert verify_audit(case.state).holds
    for view in list_corrections(case.state):
        attempts = show_correction(case.state, view.correction_id).attempts
        assert all(attempt.finished_at and attempt.outcome for attempt in attempts)


def test_undisturbed_each_correction_is_written_once(company):
    case = company.new_case()
    assert case.dispatch()
    assert_done_once(case)
    assert case.dispatch()
    assert_done_once(case)


@pytest.mark.slow
def test_killed_at_any_step_and_started_again_the_end_is_the_same(company):
    steps = 0
    while True:
        steps += 1
        case = company.new_case()
        finished = case.dispatch(die_after=steps, seed=steps)
        before = case.effects()
        assert max(before) <= 1
        if finished:
            break
        assert case.dispatch()
        assert_done_once(case)
    assert steps > 20  # recover, all transactions, and each correction's looks, call and answers


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again_the_end_is_the_same(company, seed):
    dice = random.Random(seed)
    case = company.new_case()
    for turn in range(6):
        case.dispatch(die_after=dice.randint(1, 25), seed=turn)
    assert case.dispatch()
    assert_done_once(case)


@pytest.mark.parametrize(
    "fault",
    [
        {"system": "netsuite", "method": "PUT", "lose_answer": True},
        {"system": "netsuite", "method": "PUT", "status": 503},
        {"system": "netsuite", "method": "PUT", "status": 429, "retry_after": 0},
        {"system": "salesforce", "method": "PATCH", "lose_answer": True, "times": 2},
        {"system": "salesforce", "method": "PATCH", "status": 503, "times": 2},
        {"system": "salesforce", "method": "GET", "status": 503, "times": 3},
        {"system": "netsuite", "method": "POST", "path": "suiteql", "status": 429, "times": 2},
    ],
    ids=lambda fault: f"{fault['system']}-{fault['method']}-{fault.get('status', 'lost')}",
)
def test_a_bad_wire_costs_attempts_and_never_a_second_effect(company, fault):
    case = company.new_case()
    company.fault(**fault)
    for _ in range(3):
        case.dispatch()
    assert_done_once(case)


def test_a_lost_answer_is_looked_up_and_not_sent_again(company):
    case = company.new_case()
    company.fault("netsuite", method="PUT", lose_answer=True)
    assert case.dispatch()
    assert_done_once(case)
    (view,) = list_corrections(case.state, code="INV-MISS-01")
    kinds = [(a.kind, a.outcome) for a in show_correction(case.state, view.correction_id).attempts]
    assert kinds == [("send", "no conclusive answer"), ("look", "found applied")]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_several_dispatchers_dying_on_a_bad_wire_come_to_the_same_end(company, seed):
    dice = random.Random(seed)
    case = company.new_case()
    for _ in range(3):
        company.fault("netsuite", method="PUT", lose_answer=dice.random() < 0.5)
        company.fault("salesforce", method="PATCH", lose_answer=dice.random() < 0.5)
        company.fault("netsuite", method="POST", path="suiteql", status=503)
        workers = [case.dispatcher(dice.choice([None, dice.randint(3, 30)]), n) for n in range(3)]
        for worker in workers:
            worker.join(60)
    company.clear_faults()
    assert case.dispatch()
    assert_done_once(case)


def test_a_record_changed_between_plan_and_send_is_left_as_it_is(company):
    case = company.new_case()
    company.store.put(
        "salesforce", "Subscription__c", {"Id": case.ids["record"], "Status__c": "Paused"}
    )
    assert case.dispatch()
    assert sorted(case.states()) == ["accepted", "accepted", "superseded"]
    assert case.effects() == [1, 0, 1]


def test_a_period_closed_between_approval_and_send_takes_no_posting(company):
    case = company.new_case()
    company.store.put("netsuite", "accountingperiod", {"id": "2606", "closed": "T"})
    assert case.dispatch()
    assert sorted(case.states()) == ["accepted", "accepted", "refused"]
    assert case.effects() == [1, 1, 0]
