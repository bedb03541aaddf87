"""Plans the corrections of a recorded night: reads the facts, plans, fills the outbox."""

from datetime import date, datetime

import duckdb

from reconcilers.corrections.context import read_context
from reconcilers.corrections.outbox import PlanSummary, store_plan
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import Policy
from reconcilers.exceptions import lives_as_of
from reconcilers.findings import Findings
from reconcilers.refolding import newest_night
from reconcilers.state.store import State


def plan_night(
    con: duckdb.DuckDBPyConnection,
    state: State,
    findings: Findings,
    policy: Policy,
    snapshot_date: date,
    *,
    at: datetime | None = None,
) -> PlanSummary:
    """Plan what to write for the drift of a night, after `record_night` stored it.

    Only the newest recorded night plans: an older one, replayed, would propose what has been
    overtaken. The same night planned again changes nothing. Never calls a target.
    """
    with state.read() as session:
        newest = newest_night(session)
    if newest is None or snapshot_date != newest:
        known = "no night is recorded" if newest is None else f"the newest night is {newest}"
        return PlanSummary(
            snapshot_date, skipped=f"{known}; only the newest recorded night is planned"
        )
    lives = lives_as_of(state, snapshot_date)
    corrections = plan(findings.drift, findings.systemic_codes, lives, read_context(con), policy)
    return store_plan(state, corrections, lives, snapshot_date, at)
