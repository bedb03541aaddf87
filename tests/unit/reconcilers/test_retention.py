"""What was over long ago is let go whole; nothing that a later night or a person needs is."""

import sqlite3

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from reconcilers.corrections.correction import UNDO_OF
from reconcilers.corrections.outbox import spent_corrections, written_fields
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.retention import LEAST_DAYS, RetentionRefusedError, preview_prune, prune
from reconcilers.state.audit import verify_audit
from reconcilers.state.models import (
    Approval,
    Attempt,
    CorrectionRecord,
    Night,
    Observation,
    TieoutRecord,
    Waiver,
)
from reconcilers.state.store import open_state
from reconcilers.state.views import list_audit, list_corrections, list_exceptions
from tests.correction_samples import at, fresh_state, night, tie_out
from tests.drift_samples import drift, drift_row
from tests.effort import examples

POLICY = load_policy()
OBJECT = "salesforce.Subscription__c"
NEWEST, DAYS = 100, 60


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def record(state, number, *names, **values):
    """A night on which these exceptions were seen."""
    record_night(
        state,
        night(number),
        drift(*(drift_row(name, "SUB-STAT-01", **values) for name in names)),
        f"run-{number}",
        watermarks={OBJECT: at(number)},
        policy=POLICY,
        recorded_at=at(number, 3),
    )


def correct(state, name, /, **values):
    """A correction that was sent on the second day, with an attempt and an approval."""
    facts = {
        "exception_key": key(name), "code": "SUB-STAT-01", "action": "copy_subscription_status",
        "mode": "approve", "system": "salesforce", "object": "Subscription__c", "record_id": name,
        "operation": "update", "attribute": "status", "before": {"Status__c": "Active"},
        "after": {"Status__c": "Cancelled"}, "payload": {}, "expected_version": "v1",
        "watermark_object": OBJECT, "reason": "", "evidence": "", "correlation_id": name,
        "severity": "S2", "assignee": "", "refusals": [], "maker": "tieout", "writes": 1,
        "planned_at": at(0), "changed_at": at(2), "snapshot_date": night(0), "state": "accepted",
        "accepted_at": at(1), "correction_id": name, "idempotency_key": name,
    }  # fmt: skip
    attempt = {
        "number": 1, "kind": "send", "claimed_by": "me", "started_at": at(1), "finished_at": at(1),
        "outcome": values.pop("outcome", "accepted"),
    }  # fmt: skip
    facts |= values
    called_at = at(1) if facts["writes"] else None
    id_ = facts["correction_id"]
    word = {"number": 1, "decision": "approve", "actor": "ann", "comment": ""}
    with state.begin() as session:
        session.add(CorrectionRecord(**facts))
        session.flush()
        session.add(Attempt(correction_id=id_, write_started_at=called_at, **attempt))
        session.add(Approval(correction_id=id_, decided_at=at(1), **word))


def key(name):
    return drift_row(name, "SUB-STAT-01")["exception_key"]


def waive(state, name, until):
    with state.begin() as session:
        session.add(
            Waiver(
                waiver_id=name, exception_key=key(name), author="ann", approver="ben", reason="x",
                valid_from=night(0), expires_on=until, created_at=at(0),
            )
        )  # fmt: skip


def known(state):
    return {view.row_key.removeprefix("stripe:") for view in list_exceptions(state)}


def count(state, table):
    with state.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def whole(state):
    """Everything but the audit, as rows."""
    tables = (Attempt, Approval, CorrectionRecord, Waiver, Observation, TieoutRecord, Night)
    return [count(state, table) for table in tables], list_exceptions(state)


def test_what_is_closed_and_done_with_goes_whole_and_only_when_told_to(state):
    record(state, 0, "over", "worked", "open")
    tie_out(state, night(0))
    record(state, 1, "over", "open", "glimpsed", disposition="in_flight")
    correct(state, "worked")
    correct(state, "over", state="superseded", writes=0, accepted_at=None)
    waive(state, "over", night(3))
    record(state, 2, "open")
    record(state, NEWEST, "open")
    tie_out(state, night(NEWEST))
    assert {view.state for view in list_corrections(state)} == {"verified", "superseded"}
    before = whole(state)
    shown = preview_prune(state, DAYS)
    assert whole(state) == before
    assert prune(state, DAYS, "ann", at(NEWEST, 9)) == shown
    assert shown.before == night(NEWEST - DAYS)
    assert shown.rows == {
        "attempts": 2, "approvals": 2, "corrections": 2, "waivers": 1, "observations": 4,
        "exceptions": 2, "tieouts": 1, "event_letters": 0,
    }  # fmt: skip
    assert known(state) == {"open"}
    assert whole(state)[0] == [0, 0, 0, 0, 4, 1, 4]
    assert verify_audit(state).holds
    line = list_audit(state)[-1]
    assert (line.actor, line.action, line.body["older_than_days"]) == ("ann", "state pruned", DAYS)
    assert line.body["rows"] == shown.rows
    assert set(prune(state, DAYS, "ann").rows.values()) == {0}


@pytest.mark.parametrize(
    "values",
    [
        {"state": "rejected", "writes": 0, "accepted_at": None},
        {"state": "dead", "accepted_at": None},
        {"state": "unknown", "accepted_at": None},
        {"state": "approved", "writes": 0, "accepted_at": None},
        {"state": "compensated"},
        {"state": "superseded", "outcome": "superseded", "accepted_at": None},
        {"accepted_at": at(NEWEST - 1)},
        {"state": "superseded", "writes": 0, "accepted_at": None, "changed_at": at(NEWEST - 1)},
    ],
    ids=lambda values: "-".join(str(value) for value in values.values())[:40],
)
def test_a_correction_that_still_counts_keeps_its_exception(state, values):
    record(state, 0, "kept")
    correct(state, "kept", **values)
    record(state, 2)
    record(state, NEWEST)
    assert set(prune(state, DAYS, "ann").rows.values()) == {0}


def test_one_that_was_ineffective_keeps_its_exception(state):
    record(state, 0, "kept")
    correct(state, "kept")
    record(state, 2, "kept")
    record(state, 3)
    record(state, NEWEST)
    assert list_corrections(state)[0].state == "ineffective"
    assert set(prune(state, DAYS, "ann").rows.values()) == {0}


def test_an_undo_that_somebody_proposed_keeps_what_it_would_undo(state):
    record(state, 0, "kept")
    correct(state, "kept")
    correct(
        state, "undo", exception_key="0" * 64, action="undo_update", state="rejected", writes=0,
        accepted_at=None, expected_version=f"{UNDO_OF}kept",
    )  # fmt: skip
    record(state, 2)
    record(state, NEWEST)
    assert set(prune(state, DAYS, "ann").rows.values()) == {0}


def test_a_waiver_that_holds_and_an_open_finding_that_follows_keep_an_exception(state):
    record(state, 0, "waived", "cause")
    waive(state, "waived", night(NEWEST))
    record(state, 2)
    record(state, NEWEST, "open", explained_by=key("cause"))
    prune(state, DAYS, "ann")
    assert known(state) == {"waived", "cause", "open"}


def test_closed_since_is_not_closed_long_ago(state):
    record(state, 0, "old", "young")
    record(state, NEWEST - DAYS - 1, "young")
    record(state, NEWEST - DAYS)
    record(state, NEWEST)
    prune(state, DAYS, "ann")
    assert known(state) == {"young"}


def test_a_history_that_is_still_needed_is_refused(state):
    with pytest.raises(RetentionRefusedError, match="29 days are too few"):
        prune(state, LEAST_DAYS - 1, "ann")
    assert prune(state, LEAST_DAYS, "ann").before is None
    assert list_audit(state) == []


NAMES = ("a", "b", "c", "d")
ENDS = (
    {}, {"state": "compensated"}, {"state": "superseded", "accepted_at": None},
    {"state": "superseded", "accepted_at": None, "writes": 0},
    {"state": "superseded", "accepted_at": None, "outcome": "superseded"},
    {"state": "rejected", "accepted_at": None, "writes": 0},
)  # fmt: skip


def copy_of(state):
    twin = open_state("sqlite://")
    here, there = state.engine.raw_connection(), twin.engine.raw_connection()
    assert isinstance(here.driver_connection, sqlite3.Connection)
    here.driver_connection.backup(there.driver_connection)
    here.close()
    there.close()
    return twin


@settings(max_examples=examples(25), deadline=None, phases=[Phase.generate])
@given(
    st.dictionaries(st.integers(0, 90), st.sets(st.sampled_from(NAMES)), min_size=2, max_size=6),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(ENDS)),
    st.sets(st.sampled_from(NAMES)),
    st.integers(LEAST_DAYS, 70),
)
def test_the_next_night_says_the_same_of_all_that_is_left(history, ends, next_night, days):
    state = open_state("sqlite://")
    for number, names in sorted(history.items()):
        record(state, number, *names)
    for name, values in ends.items():
        correct(state, name, **values)
    record(state, 91, *next_night)
    pruned = copy_of(state)
    prune(pruned, days, "ann", at(91))
    left = {view.exception_key for view in list_exceptions(pruned)}
    for one in (state, pruned):
        record(one, 92, *next_night)
    told = {view.exception_key: view for view in list_exceptions(state)}
    assert {v.exception_key: v for v in list_exceptions(pruned)} == {k: told[k] for k in left}
    assert left >= {k for k, view in told.items() if view.resolved_on is None}
    assert spent_corrections(pruned) == spent_corrections(state)
    assert written_fields(pruned, night(92)) == written_fields(state, night(92))
    lasting = {v.correction_id: v for v in list_corrections(pruned)}
    assert lasting.items() <= {v.correction_id: v for v in list_corrections(state)}.items()
    assert verify_audit(pruned).holds
    for one in (state, pruned):
        one.close()
