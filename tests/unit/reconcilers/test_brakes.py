"""What is approved is still not sent while a person says stop, or beyond the budgets."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from extractors.errors import Rejected, UnknownOutcome
from reconcilers.corrections.approval import approve
from reconcilers.corrections.brakes import HaltRefusedError, halt, halted, resume
from reconcilers.corrections.budget import DEFAULT_BUDGETS, Budget, Budgets
from reconcilers.corrections.claims import claimant
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.outbox import store_plan, written_fields
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import PolicyError, load_policy, parse_policy
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.steps import Begin, Claim, persist
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.state.audit import verify_audit
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.store import migration_config, open_state
from reconcilers.state.views import list_corrections
from tests.correction_samples import at, fresh_state
from tests.drift_samples import DAY, drift, stale_status
from tests.memory_targets import MemoryTarget, netsuite, stripe
from tests.plan_facts import context

POLICY = load_policy()
LIFE = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])
WIDE = Budget(10**6, 10**15, 10**6)


@pytest.fixture
def state(tmp_path):
    opened = fresh_state(tmp_path)
    yield opened
    opened.close()


def gone_wild(state, rows, customers=None):
    """A rule that fires everywhere, and a policy that lets all of it go; each is 152.40 dollars."""
    names = [f"{n:03d}" for n in range(rows)]
    found = drift(
        *(
            stale_status(f"s{n}", f"a{n}", canonical_id=f"cus_{int(n) % (customers or rows)}")
            for n in names
        )
    )
    crm = [
        {"subscription_id": f"a{n}", "stripe_subscription_id": f"s{n}", "status": "Active",
         "status_changed_at": "2026-01-31T10:00:00.000+0000", "system_modstamp": "v1"}
        for n in names
    ]  # fmt: skip
    billing = [
        {"subscription_id": f"s{n}", "status": "cancelled", "status_changed_at": None}
        for n in names
    ]
    lives = dict.fromkeys(found["exception_key"], LIFE)
    facts = context(crm_subscriptions=crm, billing_subscriptions=billing)
    store_plan(state, plan(found, (), lives, facts, POLICY), lives, DAY, at(0, 3))
    waiting = list_corrections(state, states=("proposed", "held"))
    approve(state, [view.correction_id for view in waiting], "ann", "all of them", at(0, 4))
    records = {("Subscription__c", f"a{n}"): {"Status__c": "Active"} for n in names}
    return {"salesforce": MemoryTarget("salesforce", records), "netsuite": netsuite(),
            "stripe": stripe()}  # fmt: skip


def send(state, targets, budgets=DEFAULT_BUDGETS, when=None, **limits):
    moment = when or at(0, 9)
    return asyncio.run(dispatch(state, targets, lambda: moment, DispatchLimits(**limits), budgets))


@pytest.mark.parametrize(
    ("run", "sent", "words"),
    [
        (replace(WIDE, rows=7), 7, "8 corrections, 7 are allowed"),
        (replace(WIDE, amount_minor=15240 * 5 + 1), 5, "91440 minor units, 76201 are allowed"),
        (replace(WIDE, customers=2), 2, "3 customers, 2 are allowed"),
    ],
)
def test_a_rule_gone_wild_stops_within_its_budget(state, run, sent, words):
    targets = gone_wild(state, 20)
    summary = send(state, targets, Budgets(run, WIDE))
    assert len(targets["salesforce"].effects) == sent
    assert words in summary.stopped["salesforce"]
    left = list_corrections(state, states=("approved",))
    assert len(left) == 20 - sent


def test_the_day_bounds_all_its_runs_together_and_the_next_day_goes_on(state):
    targets = gone_wild(state, 20)
    budgets = Budgets(replace(WIDE, rows=4), replace(WIDE, rows=10))
    for _ in range(5):
        send(state, targets, budgets)
    assert len(targets["salesforce"].effects) == 10
    send(state, targets, budgets, at(1, 9))
    assert len(targets["salesforce"].effects) == 14


def test_a_budget_spent_within_one_transaction_lets_go_what_still_fits(state):
    """The third takes too much money; the fourth is of a customer and a size that still fit."""
    gone_wild(state, 4, customers=2)
    ids = sorted(view.correction_id for view in list_corrections(state))
    with state.begin() as session:
        session.get_one(CorrectionRecord, ids[2]).impact_reporting_minor = -(10**9)
    budgets = Budgets(replace(WIDE, amount_minor=15240 * 3), replace(WIDE, customers=2))
    with claimant() as me:
        orders = persist(state, [Claim(name, me) for name in ids], at(0, 9), budgets)
        fates = persist(state, [Begin(order) for order in orders], at(0, 9), budgets)
        assert [type(fate).__name__ for fate in fates] == [
            "NoneType", "NoneType", "StoppedError", "NoneType",
        ]  # fmt: skip
        assert "1000030480 minor units, 45720 are allowed" in str(fates[2])
        halt(state, "ann", "to be sure")
        (fate,) = persist(state, [Begin(orders[3])], at(0, 9), budgets)
    assert "halted by ann" in str(fate)


def test_several_dispatchers_share_the_budget_of_a_day(state):
    targets = gone_wild(state, 20)
    budgets = Budgets(WIDE, replace(WIDE, rows=6))

    async def together():
        runs = (
            dispatch(state, targets, lambda: at(0, 9), DispatchLimits(), budgets) for _ in range(3)
        )
        await asyncio.gather(*runs)

    asyncio.run(together())
    assert len(targets["salesforce"].effects) == 6


def test_many_corrections_of_one_customer_are_one_customer_and_a_second_call_is_no_second_row(
    state,
):
    targets = gone_wild(state, 5, customers=1)
    targets["salesforce"].script = [("before", UnknownOutcome("salesforce", "timed out"))]
    send(state, targets, Budgets(Budget(5, 5 * 15240, 1), WIDE))
    assert len(targets["salesforce"].effects) == 5


def test_a_halt_stops_the_next_call_and_a_resume_lets_it_go(state):
    targets = gone_wild(state, 4)
    target = targets["salesforce"]
    write = target.write

    async def halting(intent):
        halt(state, "ann", "something is odd", at(0, 9))
        return await write(intent)

    target.write = halting
    summary = send(state, targets, concurrency=1)
    assert len(target.effects) == 1
    assert "halted by ann" in summary.stopped["salesforce"]
    assert "(something is odd)" in str(halted(state))
    target.write = write
    assert set(send(state, targets).stopped) == {"netsuite", "salesforce", "stripe"}
    assert len(target.effects) == 1
    resume(state, "ben", "it was nothing", at(0, 10))
    send(state, targets)
    assert len(target.effects) == 4
    assert verify_audit(state).holds


def test_a_halt_needs_a_reason_and_there_is_one_at_a_time(state):
    with pytest.raises(HaltRefusedError, match="reason"):
        halt(state, "ann", " ")
    with pytest.raises(HaltRefusedError, match="not halted"):
        resume(state, "ann", "")
    halt(state, "ann", "audit")
    with pytest.raises(HaltRefusedError, match="already halted by ann"):
        halt(state, "ben", "me too")


def test_a_target_that_refuses_one_after_the_other_is_given_up_on(state):
    targets = gone_wild(state, 20)
    targets["salesforce"].script = [("before", Rejected("salesforce", "no such field"))] * 20
    summary = send(state, targets, concurrency=1)
    assert summary.outcomes["dead"] == 10
    assert summary.stopped == {"salesforce": "10 refusals in a row, the last: no such field"}


def planned_again(state, seen, wanted, on=DAY):
    """The correction of a status that says `seen` and should say `wanted`, on a later day."""
    found = drift(stale_status("s000", "a000") | {"expected": wanted})
    crm = [{"subscription_id": "a000", "stripe_subscription_id": "s000", "status": seen,
            "status_changed_at": None, "system_modstamp": "v2"}]  # fmt: skip
    billing = [{"subscription_id": "s000", "status": wanted, "status_changed_at": None}]
    facts = context(crm_subscriptions=crm, billing_subscriptions=billing)
    lives = dict.fromkeys(found["exception_key"], LIFE)
    (planned,) = plan(found, (), lives, facts, POLICY, written=written_fields(state, on))
    return planned


@pytest.mark.parametrize(
    ("seen", "wanted", "days", "reason"),
    [
        ("Active", "cancelled", 30, "flapping: the field was corrected 1 times and came back"),
        ("Active", "past_due", 1, "flapping: the field was corrected 1 times and came back"),
        ("Past Due", "cancelled", 1, "flapping: the field was corrected 1 times and came back"),
        ("Active", "cancelled", 31, None),  # long ago
        ("Cancelled", "active", 1, None),  # what we wrote stands, and billing went on
        ("Past Due", "active", 1, None),  # neither was ever written or written over
    ],
)
def test_a_field_is_held_only_where_what_we_wrote_lately_came_back(
    state, seen, wanted, days, reason
):
    targets = gone_wild(state, 1)
    send(state, targets)
    with state.begin() as session:
        record = session.query(CorrectionRecord).one()
        record.state, record.verdict_on = CorrectionState.VERIFIED.value, DAY
    again = planned_again(state, seen, wanted, DAY + timedelta(days=days))
    assert again.state is (CorrectionState.HELD if reason else CorrectionState.APPROVED)
    assert not reason or again.state_reason == reason


def test_a_status_that_goes_back_and_forth_in_billing_is_no_flapping(state):
    targets = gone_wild(state, 1)
    send(state, targets)
    with state.begin() as session:
        there = session.query(CorrectionRecord).one()
        there.state, there.verdict_on = CorrectionState.VERIFIED.value, DAY
        values = {c.name: getattr(there, c.name) for c in CorrectionRecord.__table__.columns}
        back = {"correction_id": "cor_back", "idempotency_key": "back", "before": there.after,
                "after": there.before, "accepted_at": at(1)}  # fmt: skip
        session.add(CorrectionRecord(**values | back))
    assert planned_again(state, "Active", "cancelled").state is CorrectionState.APPROVED


def test_the_budgets_are_those_of_the_policy_and_its_mistakes_are_named():
    assert POLICY.budgets == DEFAULT_BUDGETS
    head = '[policy]\nreporting_currency = "USD"\n[policy.budget.run]\nrows = -1\nlines = 3\n'
    with pytest.raises(PolicyError) as error:
        parse_policy(head, "policy.toml")
    told = "; ".join(error.value.problems)
    assert "line 4, policy.budget.run.rows: must be a whole number, not -1" in told
    assert "line 5, policy.budget.run.lines: unknown key" in told
    assert "policy.budget.day: is missing" in told


def test_a_store_from_before_halts_is_brought_up_to_date(tmp_path):
    url = f"sqlite:///{tmp_path}/old.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        config = migration_config(connection)
        for head in ("0002", "e003"):
            command.upgrade(config, head)
        tables = connection.execute(text("select name from sqlite_master")).scalars().all()
        assert "halts" not in tables
    engine.dispose()
    opened = open_state(url)
    gone_wild(opened, 2)
    halt(opened, "ann", "after the upgrade")
    assert halted(opened).halted_by == "ann"
    opened.close()
