"""The outbox follows the plan, and people decide: maker and checker are never the same."""

from dataclasses import replace

import pytest

from reconcilers.corrections.approval import (
    ApprovalRefusedError,
    approve,
    preview_replay,
    reject,
    replay,
)
from reconcilers.corrections.outbox import count_by_state, store_plan
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import Caps, Mode, load_policy
from reconcilers.corrections.states import WAYS, CorrectionState, WrongStateError, require_way
from reconcilers.life import NightFact, Sighting, WaiverFact, fold
from reconcilers.state.audit import verify_audit
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.views import list_audit, list_corrections, show_correction
from tests.correction_samples import at, fresh_state, night
from tests.drift_samples import drift, lost_link, missing_invoice, stale_status
from tests.plan_facts import changed, context

POLICY = load_policy()


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def store(state, *rows, number=0, facts=None, policy=POLICY, opened=0, systemic=(), waivers=()):
    """Plan the rows as the night `number`, opened on the night `opened`, and store the plan."""
    frame = drift(*[row | {"snapshot_date": night(number)} for row in rows])
    past = [NightFact(night(n)) for n in range(opened, number + 1)]
    life = fold(past, [Sighting(n.snapshot_date, "exception", "cmp") for n in past], (), waivers)
    lives = dict.fromkeys(frame["exception_key"], life)
    corrections = plan(frame, systemic, lives, facts or context(), policy)
    return store_plan(state, corrections, lives, night(number), at(number, 3))


def the_only(state):
    (view,) = list_corrections(state)
    return view


def force(state, name, **values):
    """Put the only correction where the test begins."""
    with state.begin() as session:
        record = session.get_one(CorrectionRecord, the_only(state).correction_id)
        for column, value in ({"state": name} | values).items():
            setattr(record, column, value)


def test_a_plan_is_stored_with_its_evidence_and_an_audit_line(state):
    summary = store(state, missing_invoice())
    assert (summary.added, summary.by_state) == (1, {"proposed": 1})
    view = the_only(state)
    assert view.evidence == "2026-06-30/cmp_invoice__billing_vs_erp/stripe:in_1"
    assert view.payload["memo"] == f"tieout:{view.correction_id}"
    assert [line.action for line in list_audit(state)] == ["correction proposed"]


def test_the_same_plan_stored_again_changes_nothing(state):
    store(state, missing_invoice(), lost_link())
    before = (list_corrections(state), verify_audit(state))
    summary = store(state, missing_invoice(), lost_link())
    assert (summary.added, summary.changed, summary.superseded) == (0, 0, 0)
    assert (list_corrections(state), verify_audit(state)) == before


def test_the_next_night_does_not_propose_the_same_twice(state):
    store(state, missing_invoice())
    store(state, missing_invoice(), number=1)
    assert count_by_state(state) == {"proposed": 1}


def test_a_refused_correction_is_planned_anew_when_its_cause_is_mended(state):
    store(state, missing_invoice(), facts=context(erp_customers=[]))
    refused = the_only(state)
    assert refused.state == "refused"
    assert refused.refusals[0]["fix"].startswith("create the ERP customer")
    store(state, missing_invoice(), number=1)
    assert count_by_state(state) == {"proposed": 1, "superseded": 1}


def test_a_version_that_moved_on_supersedes_what_was_planned_from_the_old_one(state):
    store(state, lost_link())
    store(
        state, lost_link(), number=1, facts=context(**changed("crm_accounts", system_modstamp="v2"))
    )
    assert count_by_state(state) == {"approved": 1, "superseded": 1}


@pytest.mark.parametrize("name", ["proposed", "approved", "held", "refused", "dead"])
def test_when_the_drift_is_gone_what_was_not_sent_is_superseded(state, name):
    store(state, missing_invoice())
    force(state, name)
    store(state, number=1)
    assert the_only(state).state == "superseded"


@pytest.mark.parametrize("name", ["sending", "unknown", "accepted"])
def test_while_one_is_under_way_no_other_is_planned(state, name):
    store(state, lost_link())
    force(state, name)
    moved = context(**changed("crm_accounts", system_modstamp="v2"))
    assert store(state, lost_link(), number=1, facts=moved).waiting == 1
    assert count_by_state(state) == {name: 1}


def test_a_person_who_said_no_is_not_asked_again_about_the_same(state):
    store(state, missing_invoice())
    reject(state, [the_only(state).correction_id], "ann", "billed by hand", at(0))
    store(state, missing_invoice(), number=1)
    assert count_by_state(state) == {"rejected": 1}


def test_a_superseded_correction_comes_back_when_a_later_night_sees_the_same_again(state):
    store(state, lost_link())
    store(state, number=1)
    assert the_only(state).state == "superseded"
    store(state, lost_link(), number=0)
    assert the_only(state).state == "superseded"  # an old night brings nothing back
    store(state, lost_link(), number=2)
    assert the_only(state).state == "approved"


def with_mode(code, cause, mode):
    rules = dict(POLICY.rules)
    rules[code, cause] = replace(rules[code, cause], mode=mode)
    return replace(POLICY, rules=rules)


TWO = with_mode("INV-MISS-01", None, Mode.APPROVE_TWO)


def two(state):
    store(state, missing_invoice(), policy=TWO)
    return the_only(state).correction_id


def say_yes(state, number=0, actor="ann", comment="checked"):
    approve(state, [the_only(state).correction_id], actor, comment, at(number, 5))


LINK_LOST = {"CUS-MISS-01"}
MISSING = {"INV-MISS-01"}


@pytest.mark.parametrize(
    ("night_of", "stands", "reason"),
    [
        ({"systemic": LINK_LOST}, "held", "systemic"),
        ({"policy": with_mode("CUS-MISS-01", "link_lost", Mode.APPROVE)}, "proposed", None),
        ({"policy": with_mode("CUS-MISS-01", "link_lost", Mode.REPORT)}, "superseded", "policy"),
        ({"waivers": [WaiverFact(night(0), night(9))]}, "superseded", "waived"),
    ],
)
def test_what_went_by_itself_follows_a_plan_that_stops_it(state, night_of, stands, reason):
    store(state, lost_link())
    assert the_only(state).state == "approved"
    store(state, lost_link(), number=1, **night_of)
    view = the_only(state)
    assert view.state == stands
    assert (view.state_reason is None) if reason is None else (reason in view.state_reason)
    before = (list_corrections(state), verify_audit(state))
    store(state, lost_link(), number=1, **night_of)
    assert (list_corrections(state), verify_audit(state)) == before
    store(state, lost_link(), number=2)
    assert the_only(state).state == "approved"


def test_what_a_night_cannot_prove_is_not_sent_on_an_earlier_word(state):
    store(state, missing_invoice())
    say_yes(state)
    store(state, missing_invoice(disposition="unproven"), number=1)
    assert the_only(state).state == "superseded"
    store(state, missing_invoice(), number=2)
    assert the_only(state).state == "proposed"
    say_yes(state, 2)
    assert the_only(state).state == "approved"


@pytest.mark.parametrize(("name", "writes"), [("approved", 1), ("sending", 0)])
def test_what_may_have_been_sent_is_left_to_dispatch(state, name, writes):
    store(state, lost_link())
    force(state, name, writes=writes)
    before = list_corrections(state)
    store(state, lost_link(), number=1, systemic=LINK_LOST)
    store(state, lost_link(), number=1, policy=with_mode("CUS-MISS-01", "link_lost", Mode.REPORT))
    assert list_corrections(state) == before


def test_a_yes_stands_against_the_hold_it_was_given_over_and_no_other(state):
    store(state, missing_invoice())
    say_yes(state)
    store(state, missing_invoice(), number=1)
    assert the_only(state).state == "approved"
    store(state, missing_invoice(), number=2, systemic=MISSING)
    assert the_only(state).state == "held"
    say_yes(state, 2)  # the same person: this is another question
    before = (list_corrections(state), verify_audit(state))
    store(state, missing_invoice(), number=2, systemic=MISSING)
    store(state, missing_invoice(), number=3, systemic=MISSING)
    assert (list_corrections(state), verify_audit(state)) == before
    capped = dict(POLICY.rules)
    capped["INV-MISS-01", None] = replace(capped["INV-MISS-01", None], caps=Caps(0, 0, 0))
    store(state, missing_invoice(), number=4, policy=replace(POLICY, rules=capped))
    assert (the_only(state).state, the_only(state).state_reason[:10]) == ("held", "cap broken")


def test_a_yes_over_a_cap_stands_when_the_run_has_other_sums(state):
    capped = dict(POLICY.rules)
    capped["INV-MISS-01", None] = replace(capped["INV-MISS-01", None], caps=Caps(9, 1, 1))
    policy = replace(POLICY, rules=capped)
    store(state, missing_invoice(), policy=policy)
    assert the_only(state).state == "held"
    say_yes(state)
    store(state, missing_invoice(impact_reporting_minor=15250), number=1, policy=policy)
    assert the_only(state).state == "approved"


def test_one_yes_is_not_enough_when_policy_comes_to_want_two(state):
    store(state, missing_invoice())
    say_yes(state)
    store(state, missing_invoice(), number=1, policy=TWO)
    assert the_only(state).state == "proposed"
    say_yes(state, 1)
    assert the_only(state).state == "proposed"
    say_yes(state, 1, "bob")
    assert the_only(state).state == "approved"


def test_what_was_refused_at_the_last_moment_can_be_approved_again(state):
    store(state, missing_invoice())
    say_yes(state)
    force(state, "refused")
    store(state, missing_invoice(), number=1)
    assert the_only(state).state == "proposed"
    say_yes(state, 1)
    assert the_only(state).state == "approved"


def test_one_person_approves_what_needs_one(state):
    store(state, missing_invoice())
    (decision,) = approve(state, [the_only(state).correction_id], "ann", "", at(0))
    assert (decision.state, decision.still_needed) == ("approved", 0)
    detail = show_correction(state, decision.correction_id[:12])
    assert [(a.decision, a.actor) for a in detail.approvals] == [("approve", "ann")]
    assert detail.correction.state_reason == "approved by ann"


def test_two_different_people_approve_what_needs_two(state):
    id_ = two(state)
    assert approve(state, [id_], "ann", "", at(0, 4))[0].still_needed == 1
    assert the_only(state).state == "proposed"
    with pytest.raises(ApprovalRefusedError, match="ann has approved"):
        approve(state, [id_], "ann", "", at(0, 4))
    assert approve(state, [id_], "bob", "", at(0, 4))[0].state == "approved"


def test_an_approval_of_an_earlier_plan_does_not_count(state):
    id_ = two(state)
    approve(state, [id_], "ann", "", at(0, 4))
    force(state, "proposed", planned_at=at(1))
    assert approve(state, [id_], "bob", "", at(1, 4))[0].still_needed == 1


def test_the_maker_cannot_approve(state):
    store(state, missing_invoice())
    with pytest.raises(ApprovalRefusedError, match="made"):
        approve(state, [the_only(state).correction_id], "tieout", "", at(0))


def test_nobody_approves_without_a_name(state):
    store(state, missing_invoice())
    with pytest.raises(ApprovalRefusedError, match="name"):
        approve(state, [the_only(state).correction_id], " ", "", at(0))


def test_what_is_held_needs_a_comment(state):
    store(state, missing_invoice())
    force(state, "held")
    id_ = the_only(state).correction_id
    with pytest.raises(ApprovalRefusedError, match="say why"):
        approve(state, [id_], "ann", " ", at(0))
    assert approve(state, [id_], "ann", "checked with sales", at(0))[0].state == "approved"


def test_a_list_is_approved_whole_or_not_at_all(state):
    store(state, missing_invoice())
    with pytest.raises(LookupError, match="cor_x"):
        approve(state, [the_only(state).correction_id, "cor_x"], "ann", "", at(0))
    assert the_only(state).state == "proposed"


@pytest.mark.parametrize("name", ["approved", "accepted", "refused", "rejected"])
def test_only_what_waits_for_a_person_can_be_approved(state, name):
    store(state, missing_invoice())
    force(state, name)
    with pytest.raises(WrongStateError, match="only proposed and held"):
        approve(state, [the_only(state).correction_id], "ann", "x", at(0))


def test_a_rejection_needs_a_comment_and_something_unsent(state):
    store(state, missing_invoice())
    id_ = the_only(state).correction_id
    with pytest.raises(ApprovalRefusedError, match="comment"):
        reject(state, [id_], "ann", "", at(0))
    force(state, "accepted")
    with pytest.raises(WrongStateError):
        reject(state, [id_], "ann", "no", at(0))


def test_the_dead_are_replayed_after_a_look_at_what_would_be_sent(state):
    store(state, missing_invoice())
    force(state, "dead", writes=6)
    id_ = the_only(state).correction_id
    (preview,) = preview_replay(state, [id_])
    assert (preview.target, preview.record_id, preview.writes) == ("netsuite.invoice", "in_1", 6)
    assert the_only(state).state == "dead"
    replay(state, [id_], "ann", "customer created", at(0))
    assert (the_only(state).state, the_only(state).writes) == ("approved", 0)
    with pytest.raises(WrongStateError, match="only dead"):
        replay(state, [id_], "ann", "again", at(0))


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 2),
        ({"code": "INV-MISS-01"}, 1),
        ({"code": "INV-MISS-01", "system": None}, 1),
        ({"system": "salesforce", "code": "INV-MISS-01"}, 0),
        ({"changed": (at(2).date(), None)}, 1),
        ({"changed": (None, at(1).date())}, 1),
        ({"changed": (at(1).date(), at(2).date())}, 2),
    ],
)
def test_corrections_are_listed_by_what_they_are_and_when_they_came_to_stand_so(
    state, asked, count
):
    store(state, missing_invoice(), number=0)
    store(state, missing_invoice(), stale_status(), number=1)
    first, second = (c.correction_id for c in list_corrections(state))
    for name, day in ((first, 1), (second, 2)):
        with state.begin() as session:
            session.get_one(CorrectionRecord, name).changed_at = at(day, 0)
    assert len(list_corrections(state, **asked)) == count


def test_no_way_leads_out_of_a_rejection_and_none_back_from_the_target_to_people():
    assert WAYS[CorrectionState.REJECTED] == frozenset()
    assert WAYS[CorrectionState.COMPENSATED] == frozenset()
    for taken in (CorrectionState.ACCEPTED, CorrectionState.VERIFIED, CorrectionState.INEFFECTIVE):
        assert WAYS[taken] <= {"accepted", "verified", "ineffective", "compensated"}
    with pytest.raises(WrongStateError, match="is accepted and cannot become approved"):
        require_way("cor_1", "accepted", CorrectionState.APPROVED)


def test_every_move_is_in_the_chain(state):
    store(state, missing_invoice())
    id_ = the_only(state).correction_id
    approve(state, [id_], "ann", "fine", at(0))
    verdict = verify_audit(state)
    assert (verdict.holds, verdict.entries) == (True, 3)
    assert [(line.actor, line.action) for line in list_audit(state)] == [
        ("tieout", "correction proposed"),
        ("ann", "approve"),
        ("ann", "correction approved"),
    ]
