"""An exception opens, ages, resolves and comes back by what the nights saw, and by nothing else."""

from datetime import timedelta

import pytest

from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import exceptions_as_of, record_night
from reconcilers.life import (
    AcceptedCorrection,
    ExceptionState,
    NightFact,
    Sighting,
    WaiverFact,
    fold,
)
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_exceptions, list_nights, show_exception
from reconcilers.waivers import WaiverRefusedError, waive
from tests.correction_samples import at, fresh_state, night
from tests.drift_samples import drift, drift_row, missing_invoice

POLICY = load_policy()
OBJECT = "netsuite.transaction"


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def nights(*numbers, unproven=()):
    return [
        NightFact(
            night(n),
            {OBJECT: at(n)},
            frozenset({"cmp"}) if n in unproven else frozenset(),
        )
        for n in numbers
    ]


def seen(*numbers, disposition="exception"):
    return [Sighting(night(n), disposition, "cmp", 100) for n in numbers]


def test_an_exception_opens_on_the_first_night_that_sees_it_and_ages():
    life = fold(nights(0, 1, 2), seen(0, 1, 2))
    assert (life.state, life.opened_on, life.last_seen_on) == ("OPEN", night(0), night(2))
    assert (life.age_days, life.nights_seen, life.episode) == (2, 3, 1)


def test_what_is_no_longer_seen_resolved_itself_and_stops_ageing():
    life = fold(nights(0, 1, 2, 9), seen(0, 1))
    assert (life.state, life.resolved_on, life.age_days) == ("RESOLVED_SELF", night(2), 2)


@pytest.mark.parametrize("disposition", ["in_flight", "unproven"])
def test_a_row_that_was_never_an_exception_opens_nothing(disposition):
    assert fold(nights(0, 1), seen(0, 1, disposition=disposition)) is None


@pytest.mark.parametrize("disposition", ["in_flight", "unproven"])
def test_an_open_exception_stays_open_while_it_cannot_be_judged(disposition):
    life = fold(nights(0, 1), [*seen(0), *seen(1, disposition=disposition)])
    assert (life.state, life.last_seen_on) == ("OPEN", night(0))


def test_absence_from_a_night_that_proves_nothing_resolves_nothing():
    assert fold(nights(0, 1, unproven={1}), seen(0)).state == "OPEN"


@pytest.mark.parametrize(("gap", "opened", "age"), [(29, 0, 30), (30, 0, 31), (31, 32, 0)])
def test_within_30_days_of_its_resolution_an_exception_keeps_its_age(gap, opened, age):
    back = 1 + gap
    life = fold(nights(0, 1, back), seen(0, back))
    assert (life.state, life.episode) == ("OPEN", 2)
    assert (life.opened_on, life.age_days) == (night(opened), age)


CORRECTION = AcceptedCorrection("cor_1", at(0, 9), OBJECT)


def test_our_correction_is_proved_by_a_snapshot_read_after_it():
    life = fold(nights(0, 1), seen(0), [CORRECTION])
    assert (life.state, life.resolved_by) == ("RESOLVED_VERIFIED", "cor_1")


def test_a_snapshot_read_before_the_correction_proves_nothing_for_it():
    late = AcceptedCorrection("cor_1", at(1, 9), OBJECT)
    assert fold(nights(0, 1), seen(0), [late]).state == "RESOLVED_SELF"


def test_a_correction_after_which_the_drift_is_still_seen_was_ineffective():
    life = fold(nights(0, 1), seen(0, 1), [CORRECTION])
    assert (life.state, life.is_ineffective) == ("OPEN", True)


def test_an_ineffective_correction_does_not_get_the_credit_for_a_later_end():
    life = fold(nights(0, 1, 2), seen(0, 1), [CORRECTION])
    assert (life.state, life.is_ineffective) == ("RESOLVED_SELF", False)


def test_a_new_episode_forgets_that_an_earlier_correction_was_ineffective():
    life = fold(nights(0, 1, 2, 3), seen(0, 1, 3), [CORRECTION])
    assert (life.episode, life.is_ineffective) == (2, False)


def test_a_waiver_covers_until_its_expiry_and_within_its_band():
    def state_with(**values):
        fact = {
            "valid_from": night(0),
            "expires_on": night(5),
            "impact_reporting_minor": 100,
        } | values
        return fold(nights(0, 1), seen(0, 1), waivers=[WaiverFact(**fact)]).state

    assert state_with() is ExceptionState.WAIVED
    assert state_with(impact_reporting_minor=95) is ExceptionState.WAIVED
    assert state_with(impact_reporting_minor=80) is ExceptionState.OPEN
    assert state_with(expires_on=night(0)) is ExceptionState.OPEN


def test_the_band_of_a_waiver_is_exact_to_the_minor_unit():
    agreed = 10**17 + 10  # larger than what a float tells apart
    waiver = WaiverFact(night(0), night(5), agreed)
    assert waiver.covers(night(1), agreed + agreed // 10)
    assert not waiver.covers(night(1), agreed + agreed // 10 + 1)
    assert not waiver.covers(night(1), agreed - agreed // 10 - 1)


def record(state, number, *rows, run_id=None):
    return record_night(
        state,
        night(number),
        drift(*[row | {"snapshot_date": night(number)} for row in rows]),
        run_id or f"run-{number}",
        watermarks={OBJECT: at(number)},
        policy=POLICY,
        recorded_at=at(number, 3),
    )


def test_recording_opens_resolves_and_reopens(state):
    first = record(state, 0, missing_invoice("in_1"), missing_invoice("in_2"))
    assert (first.opened, first.open_now, first.was_known) == (2, 2, False)
    second = record(state, 1, missing_invoice("in_1"))
    assert (second.opened, second.resolved_self, second.open_now) == (0, 1, 1)
    third = record(state, 2, missing_invoice("in_1"), missing_invoice("in_2"))
    assert (third.reopened, third.open_now) == (1, 2)
    labels = {e.owner_id: e.label for e in list_exceptions(state)}
    assert labels == {"in_1": "OPEN", "in_2": "REOPENED"}


def test_the_same_night_recorded_again_changes_nothing(state):
    record(state, 0, missing_invoice("in_1"), missing_invoice("in_2"))
    before = (list_exceptions(state), list_nights(state), verify_audit(state))
    again = record(state, 0, missing_invoice("in_2"), missing_invoice("in_1"), run_id="another")
    assert again.was_known
    assert (list_exceptions(state), list_nights(state), verify_audit(state)) == before


def test_a_night_recorded_with_other_findings_replaces_what_it_said(state):
    record(state, 0, missing_invoice("in_1"))
    record(state, 0, missing_invoice("in_2"))
    assert [e.owner_id for e in list_exceptions(state)] == ["in_2"]


def test_severity_is_raised_to_the_floor_of_the_policy(state):
    record(state, 0, missing_invoice("in_1"), missing_invoice("in_2", severity="S1"))
    assert [e.severity for e in list_exceptions(state)] == ["S1", "S3"]


def test_a_broken_control_total_keeps_what_it_could_hide_open(state):
    broken = drift_row(
        "transaction",
        "CTL-CNT-01",
        comparison="cmp_snapshot__source_vs_landed",
        owner_system="netsuite",
        replica_role=None,
        replica_system=None,
    )
    unrelated = drift_row(
        "con_1", "CON-MISS-01", comparison="cmp_contract__crm_vs_billing", owner_system="salesforce"
    )
    record(state, 0, missing_invoice("in_1"), unrelated)
    summary = record(state, 1, broken)
    assert summary.resolved_self == 1  # the contract, whose objects were read in full
    assert {e.owner_id for e in list_exceptions(state, states=["OPEN"])} == {"in_1", "transaction"}


def test_a_past_night_can_be_told_again_as_it_was(state):
    record(state, 0, missing_invoice("in_1", impact_minor=1))
    told = exceptions_as_of(state, night(0))
    record(state, 1, missing_invoice("in_1", impact_minor=2))
    record(state, 2)
    assert exceptions_as_of(state, night(0)) == told
    assert [
        o.impact_minor for o in show_exception(state, told[0].exception_key[:8]).observations
    ] == [1, 2]


def test_two_people_waive_for_a_time_and_then_it_is_open_again(state):
    record(state, 0, missing_invoice("in_1"))
    key = list_exceptions(state)[0].exception_key
    common = {"reason": "billed by hand", "at": at(0), "author": "ann"}
    with pytest.raises(WaiverRefusedError, match="cannot approve"), state.begin() as session:
        waive(session, [key], approver="ann", expires_on=night(1), **common)
    with pytest.raises(WaiverRefusedError, match="90 days"), state.begin() as session:
        waive(session, [key], approver="bob", expires_on=night(91), **common)
    with state.begin() as session:
        waive(session, [key], approver="bob", expires_on=night(1), **common)
    assert [e.state for e in list_exceptions(state)] == ["WAIVED"]
    assert record(state, 1, missing_invoice("in_1")).open_now == 1
    record(state, 2, missing_invoice("in_1"))
    assert [e.state for e in list_exceptions(state)] == ["OPEN"]
    assert timedelta(days=list_exceptions(state)[0].age_days) == night(2) - night(0)
