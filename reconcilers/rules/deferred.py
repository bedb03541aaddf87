"""Deferred revenue that moves without a plan: the roll-forward of the account breaks."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_planned = nw.col("plans_amount_minor").fill_null(0)
_booked = nw.col("ledger_amount_minor").fill_null(0)
_residual = _booked - _planned
_is_run = nw.col("has_plans")

# Impact: revenue that the ledger holds back (+) or takes (-) beyond what plans say. One minor unit
# is the rounding of a run, whose plans are converted together. Waiting does not cure it.
REV_ROLL_01 = Rule(
    code="REV-ROLL-01",
    over="cmp_deferred_entry__plans_vs_ledger",
    drifts=_residual.abs() > 1,
    applies=nw.col("has_ledger") | _is_run,
    owner=party("erp"),
    replica=None,
    attribute="deferred",
    expected=_planned.cast(nw.String),
    observed=_booked.cast(nw.String),
    impact_minor=_residual,
    cause=nw.when(_is_run).then(nw.lit("run_differs")).otherwise(nw.lit("no_plan")),
    floor=nw.when(nw.col("is_closed")).then(nw.lit("S1")).otherwise(floor_of("REV-ROLL-01")),
)

RULES = (REV_ROLL_01,)
