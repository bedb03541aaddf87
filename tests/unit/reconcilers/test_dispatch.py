"""What is approved takes effect exactly once, or stays where a person sees it."""

import asyncio
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from extractors.errors import (
    Conflict,
    ContractBroken,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    UnknownOutcome,
)
from reconcilers.corrections import claims, desk
from reconcilers.corrections.approval import approve, replay
from reconcilers.corrections.budget import DEFAULT_BUDGETS
from reconcilers.corrections.claims import claimant, is_gone
from reconcilers.corrections.delivery import ClaimLostError, Outcome, recover
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.document import WHILE, stands
from reconcilers.corrections.lanes import Lane
from reconcilers.corrections.outbox import count_by_state, store_plan
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.steps import Begin, Claim, Finish, persist
from reconcilers.exceptions import record_night
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_corrections, show_correction
from tests.correction_samples import at, fresh_state, night, tie_out
from tests.drift_samples import DAY, drift, lost_link, missing_invoice, stale_status
from tests.memory_targets import netsuite, salesforce, stripe
from tests.plan_facts import context

POLICY = load_policy()
LIFE = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])


def now():
    return at(0, 9)


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def targets():
    return {"salesforce": salesforce(), "netsuite": netsuite(), "stripe": stripe()}


def plan_and_approve(state, *rows):
    frame = drift(*rows)
    lives = dict.fromkeys(frame["exception_key"], LIFE)
    store_plan(state, plan(frame, (), lives, context(), POLICY), lives, DAY, at(0, 3))
    if proposed := [v.correction_id for v in list_corrections(state, states=["proposed"])]:
        approve(state, proposed, "ann", "", at(0, 4))


def send(state, targets, clock=now, **limits):
    return asyncio.run(dispatch(state, targets, clock, DispatchLimits(**limits)))


def a_day_later():
    return at(1, 9)


def claim(state, correction_id, claimed_by):
    (order,) = persist(state, [Claim(correction_id, claimed_by)], now(), DEFAULT_BUDGETS)
    return order


def the_only(state):
    (view,) = list_corrections(state)
    return view


def attempts(state):
    return show_correction(state, the_only(state).correction_id).attempts


def test_all_three_writes_reach_their_targets_once(state, targets):
    plan_and_approve(state, lost_link(), stale_status(), missing_invoice())
    summary = send(state, targets)
    assert summary.outcomes == {"accepted": 3}
    assert sorted(targets["salesforce"].effects) == [
        ("Account", "001A"),
        ("Subscription__c", "a0S1"),
    ]
    assert targets["netsuite"].effects == [("invoice", "in_1")]
    assert send(state, targets).outcomes == {}
    assert len(targets["netsuite"].effects) == 1


def test_nothing_goes_out_without_an_approval(state, targets):
    frame = drift(missing_invoice())
    lives = dict.fromkeys(frame["exception_key"], LIFE)
    store_plan(state, plan(frame, (), lives, context(), POLICY), lives, DAY, at(0, 3))
    assert send(state, targets).outcomes == {}
    assert targets["netsuite"].effects == []


@pytest.fixture
def night_without_tieouts(state):
    record_night(state, DAY, drift(), "run", watermarks={}, policy=POLICY, recorded_at=at(0, 3))


@pytest.mark.usefixtures("night_without_tieouts")
def test_nothing_goes_out_while_the_newest_night_does_not_tie_out(state, targets):
    plan_and_approve(state, missing_invoice(), stale_status())
    before = count_by_state(state)
    tie_out(state, DAY, holds=False)
    summary = send(state, targets)
    assert summary.outcomes == {}
    assert set(summary.stopped) == set(targets)
    assert "tie-outs of 2026-06-30 do not hold (TO-EXT)" in summary.stopped["netsuite"]
    assert [target.effects for target in targets.values()] == [[] for _ in targets]
    assert count_by_state(state) == before
    tie_out(state, DAY)
    assert send(state, targets).outcomes == {"accepted": 2}


@pytest.mark.usefixtures("night_without_tieouts")
def test_a_night_that_has_not_tied_out_yet_sends_nothing(state, targets):
    plan_and_approve(state, stale_status())
    tie_out(state, night(-1))  # the night before proves nothing about this one
    assert "has no tie-outs" in send(state, targets).stopped["salesforce"]
    assert targets["salesforce"].effects == []


def test_an_accepted_correction_says_when_and_under_which_id(state, targets):
    plan_and_approve(state, missing_invoice())
    send(state, targets)
    view = the_only(state)
    assert (view.sent_at, view.accepted_at, view.target_record_id) == (now(), now(), "new-in_1")
    (attempt,) = attempts(state)
    assert (attempt.outcome, attempt.status, attempt.request_id) == ("accepted", 204, "req_1")


@pytest.mark.parametrize(
    "change",
    [{"Status__c": "Paused"}, {"Status_Changed_At__c": "2026-06-21T00:00:00.000+0000"}],
)
def test_a_value_that_changed_meanwhile_is_not_written_over(state, targets, change):
    plan_and_approve(state, stale_status())
    targets["salesforce"].records["Subscription__c", "a0S1"] |= change
    assert send(state, targets).outcomes == {"superseded": 1}
    assert targets["salesforce"].effects == []
    assert next(iter(change)) in the_only(state).state_reason


def test_a_record_that_is_gone_or_right_already_is_left_alone(state, targets):
    plan_and_approve(state, stale_status(), lost_link())
    del targets["salesforce"].records["Subscription__c", "a0S1"]
    targets["salesforce"].records["Account", "001A"]["Stripe_Customer_Id__c"] = "cus_A"
    assert send(state, targets).outcomes == {"superseded": 2}
    assert targets["salesforce"].effects == []


def test_the_same_instant_written_otherwise_is_the_same_value(state, targets):
    plan_and_approve(state, stale_status())
    record = targets["salesforce"].records["Subscription__c", "a0S1"]
    record["Status_Changed_At__c"] = "2026-01-31T10:00:00Z"
    assert send(state, targets).outcomes == {"accepted": 1}


def test_a_document_that_somebody_else_posted_is_not_posted_again(state, targets):
    plan_and_approve(state, missing_invoice())
    targets["netsuite"].records["invoice", "in_1"] = {"id": "77", "memo": "by hand"}
    assert send(state, targets).outcomes == {"superseded": 1}


def test_a_document_with_our_memo_is_ours_even_when_nothing_of_it_is_on_record(state, targets):
    plan_and_approve(state, missing_invoice())
    memo = the_only(state).payload["memo"]
    targets["netsuite"].records["invoice", "in_1"] = {"id": "77", "memo": memo}
    assert send(state, targets).outcomes == {"accepted": 1}
    assert targets["netsuite"].effects == []
    assert the_only(state).target_record_id == "77"


def test_a_period_closed_since_the_approval_stops_the_posting(state, targets):
    plan_and_approve(state, missing_invoice())
    targets["netsuite"].records["accountingperiod", "2606"]["closed"] = "T"
    assert send(state, targets).outcomes == {"refused": 1}
    view = the_only(state)
    assert view.refusals[0]["field"] == "postingPeriod"
    assert view.writes == 0
    assert targets["netsuite"].effects == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "void"}, "in_1 is void"),
        ({"status": "draft"}, "in_1 is draft"),
        ({"status": "uncollectible"}, "in_1 is uncollectible"),
        ({"total": 11999}, "over 11999 minor units of GBP, planned were 12000 of GBP"),
        ({"currency": "eur"}, "over 12000 minor units of EUR"),
    ],
)
def test_an_invoice_that_changed_in_billing_is_not_posted(state, targets, change, words):
    plan_and_approve(state, missing_invoice())
    targets["stripe"].records["invoice", "in_1"] |= change
    assert send(state, targets).outcomes == {"superseded": 1}
    assert words in the_only(state).state_reason
    assert targets["netsuite"].effects == []


def test_an_invoice_that_billing_lost_is_not_posted(state, targets):
    plan_and_approve(state, missing_invoice())
    targets["stripe"].records.clear()
    assert send(state, targets).outcomes == {"superseded": 1}
    assert targets["netsuite"].effects == []


def test_an_invoice_paid_since_the_plan_is_posted(state, targets):
    plan_and_approve(state, missing_invoice())
    targets["stripe"].records["invoice", "in_1"]["status"] = "paid"
    assert send(state, targets).outcomes == {"accepted": 1}


def test_without_billing_to_ask_nothing_is_posted(state, targets):
    plan_and_approve(state, missing_invoice())
    del targets["stripe"]
    assert send(state, targets).outcomes == {"refused": 1}
    assert the_only(state).refusals[0]["check"] == "billing"
    assert targets["netsuite"].effects == []


def test_billing_that_does_not_answer_costs_an_attempt_and_no_posting(state, targets):
    plan_and_approve(state, missing_invoice())
    targets["stripe"].look_script = [Transient("stripe", "down")] * 9
    summary = send(state, targets)
    assert summary.stopped == {"netsuite": "3 failures in a row, the last: stripe: down"}
    assert (the_only(state).state, targets["netsuite"].effects) == ("approved", [])
    targets["stripe"].look_script = []
    assert send(state, targets).outcomes == {"accepted": 1}


@pytest.mark.parametrize("error", [UnknownOutcome, Transient, ContractBroken, Conflict])
def test_an_answer_that_never_came_is_resolved_by_looking(state, targets, error):
    plan_and_approve(state, missing_invoice())
    targets["netsuite"].script = [("after", error("netsuite", "no answer"))]
    assert send(state, targets).outcomes == {"accepted": 1, "unknown": 1}
    assert targets["netsuite"].effects == [("invoice", "in_1")]
    assert [a.kind for a in attempts(state)] == ["send", "look"]


@pytest.mark.parametrize("error", [UnknownOutcome, Transient])
def test_a_call_that_had_no_effect_is_made_again_after_looking(state, targets, error):
    plan_and_approve(state, stale_status())
    targets["salesforce"].script = [("before", error("salesforce", "no answer"))]
    assert send(state, targets).outcomes == {"accepted": 1, "approved": 1, "unknown": 1}
    assert targets["salesforce"].effects == [("Subscription__c", "a0S1")]
    assert [a.kind for a in attempts(state)] == ["send", "look", "send"]


def test_an_effect_that_shows_late_is_still_ours(state, targets):
    """A look at a replica that lags says 'no effect'; the look before the next call corrects it."""
    plan_and_approve(state, stale_status())
    target = targets["salesforce"]
    target.script = [("after", UnknownOutcome("salesforce", "no answer"))]
    stale = dict(target.records["Subscription__c", "a0S1"])
    reads = iter([stale, stale])

    async def lagging(object, record_id):  # noqa: A002
        return next(reads, None) or target.records[object, record_id]

    target.read = lagging
    assert send(state, targets).outcomes == {"accepted": 1, "approved": 1, "unknown": 1}
    assert len(target.effects) == 1


def test_our_own_document_that_a_look_missed_is_no_reason_to_refuse_it(state, targets):
    """A call that was given up arrives between the look and the check of the document number."""
    plan_and_approve(state, missing_invoice())
    target = targets["netsuite"]
    key = ("invoice", "in_1")
    arrived = {"id": "9", "externalid": "in_1", "tranid": "UK-0001", "type": "CustInvc"}
    target.records["transaction", "9"] = arrived
    memo = the_only(state).payload["memo"]
    looks = iter([None])

    async def lagging(object, external_id):  # noqa: A002
        return next(looks, {"id": "9", "memo": memo})

    target.find = lagging
    assert send(state, targets).outcomes == {"accepted": 1, "approved": 1}
    assert key not in target.effects


def test_a_dead_correction_that_arrived_late_is_found_applied_when_it_is_replayed(state, targets):
    plan_and_approve(state, stale_status())
    target = targets["salesforce"]
    target.script = [("before", UnknownOutcome("salesforce", "timed out"))] * 9
    send(state, targets, writes=1)
    assert the_only(state).state == "unknown"
    send(state, targets, a_day_later, writes=1)
    assert the_only(state).state == "dead"
    target.records["Subscription__c", "a0S1"] |= the_only(state).after
    replay(state, [the_only(state).correction_id], "ann", "it is up again")
    assert send(state, targets).outcomes == {"accepted": 1}


def test_what_a_target_refused_in_words_and_somebody_did_by_hand_is_not_ours(state, targets):
    plan_and_approve(state, stale_status())
    target = targets["salesforce"]
    target.script = [("before", Rejected("salesforce", "bad picklist"))]
    send(state, targets)
    target.records["Subscription__c", "a0S1"] |= the_only(state).after
    replay(state, [the_only(state).correction_id], "ann", "mended")
    assert send(state, targets).outcomes == {"superseded": 1}


def test_what_is_still_unknown_stays_unknown_and_is_looked_up_next_time(state, targets):
    plan_and_approve(state, missing_invoice())
    target = targets["netsuite"]
    target.script = [("after", UnknownOutcome("netsuite", "no answer"))]
    down = Transient("netsuite", "down")
    target.look_script = [None, None, None, None, *[down] * 20]
    summary = send(state, targets, failures_in_a_row=9)
    assert (the_only(state).state, summary.outcomes["unknown"]) == ("unknown", 4)
    target.look_script = []
    assert send(state, targets).outcomes == {"accepted": 1}
    assert len(target.effects) == 1


def test_a_plain_no_is_a_dead_letter_with_the_vendors_words(state, targets):
    plan_and_approve(state, stale_status())
    error = Rejected(
        "salesforce", "bad picklist", status=400, request_id="r1", body_excerpt="INVALID"
    )
    targets["salesforce"].script = [("before", error)]
    assert send(state, targets).outcomes == {"dead": 1}
    (attempt,) = attempts(state)
    assert (attempt.error_class, attempt.status, attempt.request_id) == ("Rejected", 400, "r1")
    assert attempt.body_excerpt == "INVALID"
    assert send(state, targets).outcomes == {}


@pytest.mark.parametrize(("clock", "told"), [(now, "unknown"), (a_day_later, "superseded")])
def test_what_was_called_without_an_answer_ends_only_when_that_call_cannot_arrive_any_more(
    state, targets, clock, told
):
    plan_and_approve(state, missing_invoice())
    targets["netsuite"].script = [("before", UnknownOutcome("netsuite", "timed out"))]
    send(state, targets, tries_per_run=1)
    targets["stripe"].records["invoice", "in_1"]["status"] = "void"
    send(state, targets, clock)
    assert the_only(state).state == told


def test_what_nobody_thought_of_ends_no_other_corrections_work(state, targets):
    plan_and_approve(state, lost_link(), stale_status())

    async def broken(*_):
        raise ValueError("of no use")

    targets["salesforce"].read, kept = broken, targets["salesforce"].read
    assert send(state, targets, tries_per_run=1).outcomes == {"unknown": 2}
    targets["salesforce"].read = kept
    assert send(state, targets).outcomes == {"approved": 2, "accepted": 2}


def test_calls_are_bounded_over_all_runs(state, targets):
    plan_and_approve(state, stale_status())
    targets["salesforce"].script = [("before", UnknownOutcome("salesforce", "no"))] * 99
    for _ in range(9):
        send(state, targets, writes=3, tries_per_run=2)
    assert the_only(state).state == "unknown"
    send(state, targets, a_day_later, writes=3)
    view = the_only(state)
    assert (view.state, view.writes) == ("dead", 3)
    assert view.state_reason == "not applied after 3 calls"


def test_a_throttled_call_is_not_counted_and_goes_next_time(state, targets):
    plan_and_approve(state, stale_status())
    targets["salesforce"].script = [("before", RateLimited("salesforce", "slow down"))] * 3
    summary = send(state, targets)
    assert summary.stopped == {"salesforce": "3 failures in a row, the last: slow down"}
    assert (the_only(state).state, the_only(state).writes) == ("approved", 0)
    assert send(state, targets).outcomes == {"accepted": 1}


def test_a_target_that_answers_no_write_is_given_up_on(state, targets):
    plan_and_approve(state, stale_status(), lost_link())
    targets["salesforce"].script = [("before", UnknownOutcome("salesforce", "timed out"))] * 99
    summary = send(state, targets, concurrency=1, tries_per_run=9)
    assert summary.stopped == {"salesforce": "3 failures in a row, the last: timed out"}
    assert len(targets["salesforce"].script) == 99 - 3
    assert targets["salesforce"].effects == []


def test_refused_credentials_stop_the_target_and_only_it(state, targets):
    plan_and_approve(state, stale_status(), lost_link(), missing_invoice())
    targets["salesforce"].script = [("before", Unauthorized("salesforce", "expired"))] * 9
    summary = send(state, targets, concurrency=1)
    assert summary.stopped == {"salesforce": "unauthorized: expired"}
    assert count_by_state(state) == {"accepted": 1, "approved": 2}


def test_a_target_that_is_down_is_not_written_to_blindly(state, targets):
    plan_and_approve(state, stale_status())
    targets["salesforce"].look_script = [Transient("salesforce", "down")] * 9
    send(state, targets)
    assert the_only(state).state == "approved"
    assert targets["salesforce"].effects == []


def test_two_dispatchers_at_once_send_once(state, targets):
    plan_and_approve(state, stale_status(), lost_link(), missing_invoice())

    async def both():
        return await asyncio.gather(*(dispatch(state, targets, now) for _ in range(4)))

    asyncio.run(both())
    assert count_by_state(state) == {"accepted": 3}
    assert len(targets["salesforce"].effects + targets["netsuite"].effects) == 3


def test_a_worker_that_lost_its_claim_cannot_write(state, monkeypatch):
    plan_and_approve(state, stale_status())
    with claimant() as slow:
        order = claim(state, the_only(state).correction_id, slow)
        assert claim(state, order.correction_id, "other|1|1|x") is None
    recover(state, now())  # the slow worker counts as gone
    with claimant() as quick:
        assert claim(state, order.correction_id, quick) is not None
        lost = persist(state, [Begin(order), Finish(order, None)], now(), DEFAULT_BUDGETS)
    assert [type(fate) for fate in lost] == [ClaimLostError] * 2


def test_steps_of_one_transaction_have_fates_of_their_own(state):
    plan_and_approve(state, stale_status(), lost_link(), missing_invoice())
    lost, left, sent = sorted(view.correction_id for view in list_corrections(state))
    with claimant() as me:
        orders = {name: claim(state, name, me) for name in (lost, sent)}
        claim_of_another = persist(state, [Claim(lost, "other|1|1|x")], now(), DEFAULT_BUDGETS)
    recover(state, now())  # this worker counts as gone
    with claimant() as other:
        assert claim(state, lost, other) is not None
        orders[sent] = claim(state, sent, other)
        accepted = Outcome(CorrectionState.ACCEPTED, "accepted", "taken")
        steps = [Begin(orders[lost]), Begin(orders[sent]), Finish(orders[lost], accepted),
                 Claim(left, other), Claim("cor_unknown", other), Claim(sent, other)]  # fmt: skip
        fates = persist(state, steps, now(), DEFAULT_BUDGETS)
    assert claim_of_another == [None]
    assert [type(fate).__name__ for fate in fates] == [
        "ClaimLostError", "NoneType", "ClaimLostError", "Order", "NoneType", "NoneType",
    ]  # fmt: skip
    begun = {v.correction_id: v.writes for v in list_corrections(state)}
    assert begun == {lost: 0, left: 0, sent: 1}
    assert verify_audit(state).holds


def test_what_waits_is_committed_together(state, targets, monkeypatch):
    monkeypatch.setattr(desk, "GATHER_SECONDS", 60)  # nobody is left behind on a busy machine
    plan_and_approve(state, stale_status(), lost_link(), missing_invoice())
    commits = []
    event.listen(state.engine, "commit", commits.append)
    assert send(state, targets).outcomes == {"accepted": 3}
    assert len(commits) == 1 + 3  # recovering; then all claims, all intents, all answers


def test_what_hangs_on_one_invoice_passes_one_after_the_other():
    """A payment and a memo may both be as much as is open; the second has to see the first."""
    invoice = stands("netsuite", "transaction", {"id": "7002"}, foreignamountunpaid="120")
    other = stands("netsuite", "transaction", {"id": "7003"}, foreignamountunpaid="120")
    orders = [
        SimpleNamespace(object=name, record_id=name, after={WHILE: conditions})
        for name, conditions in (
            ("payment", [invoice, other]), ("memo", [other, invoice]), ("journal", []),
        )
    ]  # fmt: skip
    lane, inside, met = Lane(netsuite(), DispatchLimits()), set(), []

    async def work(order):
        async with lane.alone_with(order):
            met.append({order.object, *inside})
            inside.add(order.object)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            inside.remove(order.object)

    async def all_work():
        await asyncio.gather(*map(work, orders))

    asyncio.run(all_work())
    assert {"payment", "memo"} not in [seen & {"payment", "memo"} for seen in met]
    assert {"payment", "journal"} in met


def test_a_correction_is_accepted_by_the_later_of_both_clocks(state, targets):
    plan_and_approve(state, stale_status(), missing_invoice())
    targets["salesforce"].newest_at = at(0, 10)
    targets["netsuite"].newest_at = at(0, 8)
    send(state, targets)
    accepted = {view.system: view.accepted_at for view in list_corrections(state)}
    assert accepted == {"salesforce": at(0, 10), "netsuite": now()}


def test_left_in_mid_send_a_correction_is_looked_up(state, targets):
    plan_and_approve(state, stale_status())
    with claimant() as me:
        order = claim(state, the_only(state).correction_id, me)
        assert persist(state, [Begin(order)], now(), DEFAULT_BUDGETS) == [None]
    assert recover(state, now()) == 1
    assert the_only(state).state == "unknown"
    assert send(state, targets).outcomes == {"accepted": 1, "approved": 1}


def test_a_look_that_was_left_is_ended_by_the_next(state, targets):
    plan_and_approve(state, missing_invoice())
    targets["netsuite"].script = [("after", UnknownOutcome("netsuite", "no answer"))]
    send(state, targets, tries_per_run=1)
    with claimant() as me:
        assert claim(state, the_only(state).correction_id, me).kind == "look"
    assert send(state, targets).outcomes == {"accepted": 1}
    assert [a.outcome for a in attempts(state)] == [
        "no conclusive answer", "the dispatcher stopped before the answer was recorded",
        "found applied",
    ]  # fmt: skip


def test_left_before_the_call_a_correction_is_simply_approved(state):
    plan_and_approve(state, stale_status())
    with claimant() as me:
        claim(state, the_only(state).correction_id, me)
        assert recover(state, now()) == 0  # its worker lives
    assert recover(state, now()) == 1
    assert the_only(state).state == "approved"


def test_a_worker_is_gone_with_its_run_its_process_or_its_lease():
    with claimant() as me:
        assert not is_gone(me, now())
    assert is_gone(me, now())
    host, pid, started, token = me.split("|")
    assert is_gone(f"{host}|{pid}|{int(started) + 1}|{token}", now())
    assert is_gone(f"{host}|999999999|1|{token}", now())
    elsewhere = f"elsewhere|{pid}|{started}|{token}"
    assert not is_gone(elsewhere, now(), now() + claims.LEASE)
    assert is_gone(elsewhere, now(), now() + claims.LEASE * 1.01)


def test_another_living_process_keeps_its_claim():
    with claimant() as me:
        host, _, _, token = me.split("|")
    assert not is_gone(f"{host}|1|{claims._started(1)}|{token}", now())


def test_every_step_of_a_delivery_is_in_the_chain(state, targets):
    plan_and_approve(state, missing_invoice())
    send(state, targets)
    detail = show_correction(state, the_only(state).correction_id)
    assert [line.action for line in detail.audit] == [
        "correction proposed", "approve", "correction approved",
        "correction sending", "correction accepted",
    ]  # fmt: skip
    assert verify_audit(state).holds


def test_what_fails_with_one_request_counts_as_one_failure(targets):
    lane = Lane(targets["salesforce"], DispatchLimits(failures_in_a_row=2))
    first, second = (UnknownOutcome("salesforce", "no answer") for _ in range(2))
    for row in range(3):
        lane.note_failure(first.for_part(f"q2c_{row}"))
    assert lane.stopped is None
    lane.note_failure(second.for_part("q2c_4"))
    assert lane.stopped.startswith("2 failures in a row")
