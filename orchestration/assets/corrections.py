"""What to do about it. `plan` writes nowhere; `attempts` is the only step that writes."""

import asyncio

import dagster as dg

from orchestration.assets.reconciliation import EXCEPTIONS, TIEOUTS
from orchestration.partitions import day_of, one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from orchestration.sending import send
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.guard import load_guard
from reconcilers.corrections.night import plan_night
from reconcilers.corrections.policy import load_policy
from reconcilers.evaluate import stored_findings

PLAN = dg.AssetKey(["corrections", "plan"])
ATTEMPTS = dg.AssetKey(["corrections", "attempts"])


@dg.asset(
    key=PLAN,
    deps=[EXCEPTIONS, TIEOUTS],
    group_name="corrections",
    kinds={"python", "sqlite"},
    owners=["team:finance-systems"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
)
def plan(context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]) -> dg.MaterializeResult:
    """Corrections for the open exceptions, checked against policy and posting rules."""
    day = day_of(context.partition_key)
    policy = load_policy(night.settings.policy_path)
    guard = load_guard(night.settings.matrix_path)
    with night.state() as state, night.warehouse() as con:
        summary = plan_night(
            con,
            state,
            stored_findings(con, day),
            policy,
            day,
            guard=guard,
            seals=night.settings.seals(),
        )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": summary.planned,
            "new": summary.added,
            "superseded": summary.superseded,
            "by state": dg.MetadataValue.json(dict(summary.by_state or {})),
            "skipped": summary.skipped or "",
        }
    )


@dg.asset(
    key=ATTEMPTS,
    deps=[PLAN],
    group_name="corrections",
    kinds={"python", "sqlite"},
    owners=["team:finance-systems"],
)
def attempts(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    """Sends approved corrections, each at most once; what gets no answer is looked up."""
    with opened_state(settings) as state:
        summary = asyncio.run(send(settings, state))
    if summary.stopped:
        raise dg.Failure(
            "gave up on "
            + "; ".join(f"{system}: {reason}" for system, reason in summary.stopped.items())
            + f". Sent before that: {dict(summary.outcomes)}. What was not sent stays approved; "
            "mend the cause, then dispatch again.",
            allow_retries=False,
        )
    return dg.MaterializeResult(
        metadata={
            "outcomes": dg.MetadataValue.json(dict(summary.outcomes)),
        }
    )


assets = [plan, attempts]
