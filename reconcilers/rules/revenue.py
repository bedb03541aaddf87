"""Revenue plans of the ERP against the schedules that the accounting policies give."""

from dataclasses import replace

import narwhals as nw

from reconcilers.rules.base import Rule, either, party
from reconcilers.rules.severity import floor_of

_SCHEDULE = "cmp_revenue_schedule__policy_vs_erp"
_G_SYNC_HOURS = 6

_is_billed = ~nw.col("billing_id").is_null()
_is_missing = _is_billed & ~nw.col("has_erp")
_is_doubled = nw.col("has_policy") & (nw.col("plan_count") > 1)
_is_void = ~nw.col("runs_on_minor").is_null()
_is_orphan = ~nw.col("has_policy") & ~_is_void
_due = nw.col("policy_amount_minor").fill_null(0)
_planned = nw.col("erp_amount_minor").fill_null(0)
_gap = _due - _planned
# What only the ERP has is told of the plan alone.
_OWNER = either("billing", "erp", _is_billed)
_PLAN = replace(party("erp"), id=nw.when(_is_billed).then(nw.col("erp_id")))

# Impact: revenue that no plan recognises (+), or that is planned once too often (-).
REV_SCH_01 = Rule(
    code="REV-SCH-01",
    over=_SCHEDULE,
    drifts=_is_missing | _is_doubled | _is_orphan,
    applies=nw.col("has_policy") | nw.col("has_erp"),
    owner=_OWNER,
    replica=_PLAN,
    expected=nw.when(nw.col("has_policy")).then(nw.lit("one plan")).otherwise(nw.lit("no plan")),
    observed=nw.col("plan_count").cast(nw.String),
    impact_minor=_gap,
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    cause=nw.when(_is_missing)
    .then(nw.lit("plan_missing"))
    .otherwise(
        nw.when(_is_doubled).then(nw.lit("planned_twice")).otherwise(nw.lit("document_gone"))
    ),
    floor=floor_of("REV-SCH-01"),
)

# Impact: revenue that the plan leaves out (+) or invents (-).
REV_AMT_01 = Rule(
    code="REV-AMT-01",
    over=_SCHEDULE,
    drifts=nw.col("has_policy")
    & (nw.col("plan_count") == 1)
    & (_gap != 0)
    & ~nw.col("is_stopped_early"),
    applies=nw.col("has_policy") & nw.col("has_erp"),
    owner=_OWNER,
    replica=_PLAN,
    attribute="amount",
    expected=nw.col("policy_amount_minor").cast(nw.String),
    observed=nw.col("erp_amount_minor").cast(nw.String),
    impact_minor=_gap,
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    floor=floor_of("REV-AMT-01"),
)

# Impact: revenue of a live service that no month earns (+), or earned after its document was void
# (-).
REV_STOP_01 = Rule(
    code="REV-STOP-01",
    over=_SCHEDULE,
    drifts=nw.col("is_stopped_early") | (_is_void & (nw.col("runs_on_minor") != 0)),
    applies=nw.col("has_erp"),
    owner=_OWNER,
    replica=_PLAN,
    attribute="end",
    expected=nw.when(_is_void)
    .then(nw.lit("0"))
    .otherwise(nw.col("policy_amount_minor").cast(nw.String)),
    observed=nw.when(_is_void)
    .then(nw.col("runs_on_minor").cast(nw.String))
    .otherwise(nw.col("erp_amount_minor").cast(nw.String)),
    impact_minor=nw.when(_is_void).then(-nw.col("runs_on_minor")).otherwise(_gap),
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    cause=nw.when(_is_void).then(nw.lit("runs_after_void")).otherwise(nw.lit("stops_early")),
    floor=floor_of("REV-STOP-01"),
)

# Impact: what the month should have earned less what the ERP gave it. One minor unit is the
# rounding of a line and month; the policy is the same on both sides, so no percentage is needed.
REV_PER_01 = Rule(
    code="REV-PER-01",
    over="cmp_revenue_period__policy_vs_erp",
    drifts=_gap.abs() > 1,
    applies=nw.col("has_policy") & nw.col("has_erp"),
    owner=_OWNER,
    replica=_PLAN,
    attribute="recognised",
    part=nw.col("period"),
    expected=nw.col("policy_amount_minor").cast(nw.String),
    observed=nw.col("erp_amount_minor").cast(nw.String),
    impact_minor=_gap,
    floor=floor_of("REV-PER-01"),
)

# Impact: what a modification should have earned by the month in which that is furthest from the
# ERP's plans, less what these earn by then. Other faults of a plan are told by the classes above.
REV_MOD_01 = Rule(
    code="REV-MOD-01",
    over="cmp_contract_modification__policy_vs_erp",
    drifts=~nw.col("fault").is_null() & (_gap.abs() > nw.col("line_count")),
    applies=nw.col("has_policy"),
    owner=party("billing"),
    replica=party("erp"),
    attribute="plan",
    expected=nw.col("policy_amount_minor").cast(nw.String),
    observed=nw.col("erp_amount_minor").cast(nw.String),
    impact_minor=_gap,
    coverage="due_coverage_seconds",
    cause=nw.col("fault"),
    floor=floor_of("REV-MOD-01"),
)

RULES = (REV_SCH_01, REV_AMT_01, REV_PER_01, REV_MOD_01, REV_STOP_01)
