"""What waited too long is not sent: it is proposed anew, and people are asked anew."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcilers.corrections.approval import ApprovalRefusedError, approve, replay
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.expiry import expire
from reconcilers.corrections.policy import Caps, Mode, load_policy
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.views import list_corrections, show_correction
from tests.correction_samples import at, fresh_state, night, plan_into
from tests.drift_samples import drift, lost_link
from tests.plan_facts import context

HOURS = 48
POLICY = load_policy()
RULE = replace(
    POLICY.rule("CUS-MISS-01", "link_lost"),
    mode=Mode.APPROVE_TWO,
    caps=Caps(9, 10**12, 10**12),
    valid_hours=HOURS,
)
BY_TWO = replace(POLICY, rules={**POLICY.rules, ("CUS-MISS-01", "link_lost"): RULE})


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def planned(state, number=0):
    """Proposed by the night `number`."""
    row = lost_link() | {"snapshot_date": night(number)}
    plan_into(state, drift(row), context(), at(number), policy=BY_TWO, on=night(number))
    return the_only(state)


def the_only(state):
    (view,) = list_corrections(state)
    return view


def later(**hours):
    return at(0) + timedelta(**hours)


def approved(state):
    view = planned(state)
    approve(state, [view.correction_id], "ann", "", at(0))
    approve(state, [view.correction_id], "bob", "", later(hours=10))
    return the_only(state)


def force(store, name, **values):
    with store.begin() as session:
        record = session.get_one(CorrectionRecord, name)
        for key, value in values.items():
            setattr(record, key, value)


@pytest.mark.parametrize(("hours", "count"), [(HOURS - 1, 0), (HOURS, 1)])
def test_a_proposal_holds_for_as_long_as_policy_says(state, hours, count):
    planned(state)
    assert expire(state, later(hours=hours)) == count
    assert the_only(state).state == ("superseded" if count else "proposed")


def test_the_last_yes_begins_the_time_anew(state):
    approved(state)
    assert expire(state, later(hours=HOURS + 9)) == 0
    assert expire(state, later(hours=HOURS + 10)) == 1
    moment = f"{later(hours=HOURS + 10):%Y-%m-%d %H:%M}"
    assert the_only(state).state_reason == f"expired on {moment} UTC, approved, not sent"


def test_an_expired_proposal_takes_no_yes(state):
    view = planned(state)
    with pytest.raises(ApprovalRefusedError, match="expired on"):
        approve(state, [view.correction_id], "ann", "", later(hours=HOURS))


def test_a_later_night_proposes_it_anew_and_asks_both_people_again(state):
    approved(state)
    expire(state, at(3))
    view = planned(state, 3)
    assert (view.state, view.planned_at, view.expires_at) == (
        "proposed",
        at(3),
        at(3) + timedelta(hours=HOURS),
    )
    assert approve(state, [view.correction_id], "ann", "", at(3))[0].still_needed == 1


def test_the_night_that_it_expired_under_does_not_bring_it_back(state):
    planned(state)
    expire(state, at(3))
    assert planned(state).state == "superseded"


@pytest.mark.parametrize("standing", ["sending", "unknown", "accepted", "rejected", "dead"])
def test_only_what_is_waiting_expires(state, standing):
    force(state, planned(state).correction_id, state=standing)
    assert expire(state, at(9)) == 0


def test_what_a_target_may_have_been_called_for_is_left_to_dispatch(state):
    force(state, approved(state).correction_id, writes=1)
    assert expire(state, at(9)) == 0


def test_what_was_planned_before_expiry_was_kept_knows_no_end(state):
    force(state, planned(state).correction_id, valid_hours=None, expires_at=None)
    assert expire(state, at(900)) == 0
    approve(state, [the_only(state).correction_id], "ann", "", at(900))


def test_a_replay_begins_the_time_anew(state):
    name = approved(state).correction_id
    force(state, name, state="dead")
    replay(state, [name], "ann", "mended", at(9))
    assert expire(state, at(9, 3)) == 0
    assert the_only(state).expires_at == at(9) + timedelta(hours=HOURS)


def test_an_undo_that_expired_can_be_proposed_again(state):
    name = approved(state).correction_id
    force(state, name, state="accepted", accepted_at=at(1))
    (undo,) = compensate(state, [name], "ann", "wrong", at(1))
    assert expire(state, at(9)) == 1
    (again,) = compensate(state, [name], "cay", "still wrong", at(9))
    assert again.correction_id == undo.correction_id
    shown = show_correction(state, undo.correction_id).correction
    assert (shown.state, shown.maker, shown.expires_at) == (
        "proposed",
        "cay",
        at(9) + timedelta(hours=HOURS),
    )
