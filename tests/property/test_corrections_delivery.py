"""Laws of delivery: whatever the wire does, at most one effect, and nothing goes missing."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.errors import (
    Conflict,
    ContractBroken,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    UnknownOutcome,
)
from reconcilers.corrections.approval import approve
from reconcilers.corrections.dispatch import DispatchLimits, dispatch
from reconcilers.corrections.policy import load_policy
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.state import open_state
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_corrections, show_correction
from tests.correction_samples import at, plan_into
from tests.drift_samples import DAY, drift, lost_link, missing_invoice, stale_status
from tests.effort import examples
from tests.memory_targets import netsuite, salesforce, stripe
from tests.plan_facts import context

POLICY = load_policy()
LIFE = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])
SETTLED = ("accepted", "superseded", "dead", "refused")

# What the wire may do: an effect can only be followed by an answer that leaves it open.
after = st.sampled_from([UnknownOutcome, Transient, ContractBroken, Conflict])
before = st.sampled_from(
    [UnknownOutcome, Transient, ContractBroken, Conflict, RateLimited, Rejected, Unauthorized]
)
faults = st.lists(
    st.none() | st.tuples(st.just("after"), after) | st.tuples(st.just("before"), before),
    max_size=8,
)
blindness = st.lists(st.none() | st.sampled_from([Transient, Unauthorized]), max_size=10)


def outbox():
    state = open_state("sqlite://")
    frame = drift(lost_link(), stale_status(), missing_invoice())
    plan_into(state, frame, context(), at(0, 3))
    waiting = [v.correction_id for v in list_corrections(state, states=["proposed"])]
    approve(state, waiting, "ann", "", at(0, 3))
    return state


def send(state, targets):
    return asyncio.run(dispatch(state, targets, lambda: at(0, 9), DispatchLimits()))


@settings(max_examples=examples(30), deadline=None)
@given(faults, faults, blindness, blindness, st.integers(1, 3))
def test_at_most_one_effect_and_all_accounted_for(
    crm_faults, erp_faults, crm_blind, erp_blind, runs
):
    state = outbox()
    targets = {"salesforce": salesforce(), "netsuite": netsuite(), "stripe": stripe()}
    for name, script, blind in (
        ("salesforce", crm_faults, crm_blind),
        ("netsuite", erp_faults, erp_blind),
    ):
        targets[name].script = [f and (f[0], f[1](name, "fault")) for f in script]
        targets[name].look_script = [b and b(name, "blind") for b in blind]
    for _ in range(runs):
        send(state, targets)
    for target in targets.values():  # the weather clears
        target.script, target.look_script = [], []
    for _ in range(3):
        send(state, targets)

    views = list_corrections(state)
    assert len(views) == 3
    assert {view.state for view in views} <= set(SETTLED)
    for view in views:
        effects = targets[view.system].effects.count((view.object, view.record_id))
        assert effects <= 1
        assert (view.state == "accepted") is (effects == 1)
        attempts = show_correction(state, view.correction_id).attempts
        assert all(attempt.finished_at and attempt.outcome for attempt in attempts)
    assert verify_audit(state).holds


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(2, 5), faults)
def test_any_number_of_dispatchers_has_one_effect(workers, script):
    state = outbox()
    targets = {"salesforce": salesforce(), "netsuite": netsuite(), "stripe": stripe()}
    targets["salesforce"].script = [f and (f[0], f[1]("salesforce", "fault")) for f in script]

    async def together():
        await asyncio.gather(*(dispatch(state, targets, lambda: at(0, 9)) for _ in range(workers)))

    asyncio.run(together())
    effects = targets["salesforce"].effects + targets["netsuite"].effects
    assert len(effects) == len(set(effects))
