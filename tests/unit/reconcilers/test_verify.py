"""A correction is done when a later night shows so, and never before."""

import asyncio

import pytest

from extractors.errors import UnknownOutcome
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.outbox import spent_corrections, store_plan, written_fields
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import lives_as_of, record_night
from reconcilers.refolding import unproven_corrections
from reconcilers.state.views import list_corrections, list_exceptions
from tests.correction_samples import at, fresh_state, night, tie_out
from tests.drift_samples import drift, missing_invoice, stale_status
from tests.memory_targets import netsuite, salesforce, stripe
from tests.plan_facts import context

POLICY = load_policy()
OBJECT = "salesforce.subscription"
DOCUMENTS = "netsuite.transaction"


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def record(state, number, *rows, covered=None):
    frame = drift(*[row | {"snapshot_date": night(number)} for row in rows])
    record_night(
        state, night(number), frame, f"run-{number}",
        watermarks=dict.fromkeys((OBJECT, DOCUMENTS), covered or at(number)), policy=POLICY, recorded_at=at(number, 3),
    )  # fmt: skip
    return frame


def correct(state, number=0):
    """The night sees the stale status; it is planned, sent and accepted the same morning."""
    frame = record(state, number, stale_status())
    lives = lives_as_of(state, night(number))
    store_plan(
        state, plan(frame, (), lives, context(), POLICY), lives, night(number), at(number, 4)
    )
    tie_out(state, night(number))
    asyncio.run(dispatch(state, {"salesforce": salesforce()}, lambda: at(number, 9)))
    assert standing(state) == ("accepted", None)


def the_only(state):
    (view,) = list_corrections(state)
    return view


def standing(state):
    view = the_only(state)
    return view.state, view.verdict_on


def the_exception(state):
    (view,) = list_exceptions(state)
    return view.label


def test_the_next_night_without_the_drift_verifies(state):
    correct(state)
    record(state, 1)
    assert standing(state) == ("verified", night(1))
    assert the_exception(state) == "RESOLVED_VERIFIED"
    assert list_exceptions(state)[0].resolved_by == list_corrections(state)[0].correction_id


def test_the_next_night_with_the_drift_shows_it_ineffective(state):
    correct(state)
    record(state, 1, stale_status())
    assert standing(state) == ("ineffective", night(1))
    assert the_exception(state) == "INEFFECTIVE"


def test_the_night_that_found_the_drift_recorded_again_proves_nothing(state):
    correct(state)
    record(state, 0, stale_status())
    assert standing(state) == ("accepted", None)


def unproven(state):
    with state.read() as session:
        return [fact.correction_id for _, fact in unproven_corrections(session)]


def test_only_what_was_not_seen_to_work_on_an_open_exception_is_unproven(state):
    correct(state)
    sent = [the_only(state).correction_id]
    assert unproven(state) == sent
    record(state, 1, stale_status())
    assert unproven(state) == sent
    record(state, 2)
    assert unproven(state) == []


def test_what_a_night_verified_is_proven_even_when_the_drift_comes_back(state):
    correct(state)
    record(state, 1)
    record(state, 2, stale_status())
    assert unproven(state) == []


def test_a_correction_that_failed_does_not_count_against_a_drift_that_came_back(state):
    correct(state)
    record(state, 1, stale_status())
    record(state, 2)
    record(state, 3, stale_status())
    assert standing(state) == ("ineffective", night(1))
    assert unproven(state) == []


def test_a_night_read_before_the_correction_proves_nothing(state):
    correct(state)
    record(state, 1, stale_status(), covered=at(0, 8))
    assert standing(state) == ("accepted", None)


@pytest.mark.parametrize("disposition", ["in_flight", "unproven"])
def test_a_night_that_cannot_tell_leaves_it_to_the_next(state, disposition):
    correct(state)
    record(state, 1, stale_status(disposition=disposition))
    assert standing(state) == ("accepted", None)
    record(state, 2)
    assert standing(state) == ("verified", night(2))


def test_a_night_recorded_late_can_change_the_verdict(state):
    correct(state)
    record(state, 2)
    assert standing(state) == ("verified", night(2))
    record(state, 1, stale_status())
    assert standing(state) == ("ineffective", night(1))
    record(state, 1)
    assert standing(state) == ("verified", night(1))


def test_verified_is_for_good_when_the_drift_comes_back_later(state):
    correct(state)
    record(state, 1)
    record(state, 2, stale_status())
    assert standing(state) == ("verified", night(1))
    assert the_exception(state) == "REOPENED"


def plan_invoice(state, number):
    """The night sees the invoice missing; it is planned as the night's own command does."""
    frame = record(state, number, missing_invoice())
    lives = lives_as_of(state, night(number))
    corrections = plan(frame, (), lives, context(), POLICY, spent=spent_corrections(state))
    store_plan(state, corrections, lives, night(number), at(number, 4))
    return list_corrections(state)


def post_invoice(state, number, erp, correction):
    approve(state, [correction.correction_id], "ann", "looked into it", at(number, 5))
    tie_out(state, night(number))
    asyncio.run(dispatch(state, {"netsuite": erp, "stripe": stripe()}, lambda: at(number, 9)))


def test_a_posting_that_did_not_last_is_planned_again_for_a_person(state):
    erp = netsuite()
    (first,) = plan_invoice(state, 0)
    post_invoice(state, 0, erp, first)
    del erp.records["invoice", "in_1"]
    corrections = plan_invoice(state, 1)
    assert sorted(view.state for view in corrections) == ["held", "ineffective"]
    assert plan_invoice(state, 1) == corrections
    (second,) = [view for view in corrections if view.state == "held"]
    post_invoice(state, 1, erp, second)
    assert [erp.records["invoice", "in_1"]["memo"]] == [f"tieout:{second.correction_id}"]
    record(state, 2)
    assert the_exception(state) == "RESOLVED_VERIFIED"


def test_a_posting_overtaken_at_the_target_is_planned_again_when_that_goes(state):
    erp = netsuite()
    (first,) = plan_invoice(state, 0)
    erp.script = [("before", UnknownOutcome("netsuite", "no answer"))]
    answers = iter([None])

    async def find(object, external_id):  # noqa: A002
        return next(answers, {"id": "77", "memo": "by hand"})

    erp.find = find
    post_invoice(state, 0, erp, first)
    asyncio.run(dispatch(state, {"netsuite": erp, "stripe": stripe()}, lambda: at(1, 9)))
    assert (the_only(state).state, the_only(state).writes) == ("superseded", 1)
    corrections = plan_invoice(state, 1)
    assert sorted(view.state for view in corrections) == ["held", "superseded"]
    assert plan_invoice(state, 1) == corrections


def undo(state, hour):
    """What `correct` wrote is taken back on the day of night 0."""
    (taken,) = list_corrections(state, states=("accepted", "verified", "ineffective"))
    (made,) = compensate(state, [taken.correction_id], "ben", "wrong", at(0, hour))
    approve(state, [made.correction_id], "ann", "", at(0, hour))
    crm = salesforce()
    crm.records["Subscription__c", "a0S1"] |= taken.after
    asyncio.run(dispatch(state, {"salesforce": crm}, lambda: at(0, hour)))
    return taken.correction_id, made.correction_id


def states(state):
    return {view.correction_id: (view.state, view.verdict_on) for view in list_corrections(state)}


@pytest.mark.parametrize("rows", [(stale_status(),), ()])
def test_what_was_undone_before_a_night_is_not_held_against_us(state, rows):
    correct(state)
    taken, made = undo(state, 10)
    assert states(state) == {taken: ("compensated", None), made: ("accepted", None)}
    record(state, 1, *rows)
    assert states(state) == {taken: ("compensated", None), made: ("verified", night(1))}
    assert the_exception(state) == ("OPEN" if rows else "RESOLVED_SELF")
    assert unproven(state) == []


def test_an_undo_is_not_done_before_a_night_covers_it_nor_by_one_that_proves_nothing(state):
    correct(state)
    _, made = undo(state, 10)
    record(state, 1, stale_status(), covered=at(0, 10))
    assert states(state)[made] == ("accepted", None)
    doubt = stale_status("sub_2", disposition="unproven")
    record(state, 1, doubt)
    assert states(state)[made] == ("accepted", None)


def test_what_a_night_proved_before_the_undo_stays_told_of_that_night(state):
    correct(state)
    record(state, 0, covered=at(0, 10))
    record(state, -1, stale_status())
    assert the_exception(state) == "RESOLVED_VERIFIED"
    undo(state, 11)
    record(state, 1, stale_status())
    assert lives_as_of(state, night(0)).popitem()[1].state == "RESOLVED_VERIFIED"
    assert the_exception(state) == "REOPENED"
    assert unproven(state) == []


def test_what_people_undid_is_not_written_again_by_itself(state):
    correct(state)
    undo(state, 10)
    found = record(state, 1, stale_status())
    lives = lives_as_of(state, night(1))
    (again,) = plan(
        found, (), lives, context(), POLICY,
        spent=spent_corrections(state), written=written_fields(state, night(1)),
    )  # fmt: skip
    assert again.state == "held"
    assert again.state_reason == "a correction like this one was undone by people"
