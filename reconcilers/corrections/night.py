"""What a recorded night means for corrections: it plans them, and its tie-outs let them go."""

from datetime import date, datetime

import duckdb

from reconcilers.corrections.context import read_context
from reconcilers.corrections.expiry import expire
from reconcilers.corrections.guard import Guard
from reconcilers.corrections.outbox import (
    PlanSummary,
    spent_corrections,
    store_plan,
    written_fields,
)
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import Policy
from reconcilers.exceptions import lives_as_of
from reconcilers.findings import Findings
from reconcilers.refolding import newest_night
from reconcilers.sealing import Seals
from reconcilers.state.store import State
from reconcilers.state.tieouts import load_tieouts


def plan_night(
    con: duckdb.DuckDBPyConnection,
    state: State,
    findings: Findings,
    policy: Policy,
    snapshot_date: date,
    *,
    guard: Guard | None = None,
    seals: Seals | None = None,
    at: datetime | None = None,
) -> PlanSummary:
    """Plan what to write for the drift of a night, after `record_night` stored it.

    Only the newest recorded night plans: an older one, replayed, would propose what has been
    overtaken. What was not sent in time is proposed anew. The same night planned again changes
    nothing. Never calls a target.
    """
    with state.read() as session:
        newest = newest_night(session)
    if newest is None or snapshot_date != newest:
        known = "no night is recorded" if newest is None else f"the newest night is {newest}"
        return PlanSummary(
            snapshot_date, skipped=f"{known}; only the newest recorded night is planned"
        )
    expire(state, at)
    lives = lives_as_of(state, snapshot_date)
    corrections = plan(
        findings.drift,
        findings.systemic_codes,
        lives,
        read_context(con),
        policy,
        spent=spent_corrections(state),
        written=written_fields(state, snapshot_date),
        guard=guard,
        seals=seals,
    )
    return store_plan(state, corrections, lives, snapshot_date, at)


def broken_tieouts(state: State) -> str | None:
    """Why nothing may be sent: the newest night's tie-outs do not all hold, or were not made.

    None when they hold, and when no night was recorded yet.
    """
    with state.read() as session:
        newest = newest_night(session)
    if newest is None:
        return None
    tieouts = load_tieouts(state, newest)
    if tieouts.is_empty():
        return f"the night of {newest} has no tie-outs; nothing is sent until it does"
    broken = sorted(set(tieouts.filter(~tieouts["holds"])["code"]))
    if not broken:
        return None
    return f"tie-outs of {newest} do not hold ({', '.join(broken)}); nothing is sent until they do"
