"""Signed contracts that billing lacks. Prices, quantities and states come from the matrix."""

import narwhals as nw

from reconcilers.rules.base import Rule, party

_G_BILL_HOURS = 48
_MONTHS_AT_RISK = 12

_has_started = nw.col("months_since_start") > 0

# Impact: revenue leaked since the start (whole months), and a year of it at risk (+).
CON_MISS_01 = Rule(
    code="CON-MISS-01",
    over="cmp_contract__crm_vs_billing",
    drifts=nw.col("has_crm") & ~nw.col("has_billing"),
    applies=nw.col("has_crm"),
    owner=party("crm"),
    replica=party("billing"),
    impact_minor=nw.col("recurring_mrr_minor").fill_null(0)
    * (nw.col("months_since_start").fill_null(0) + _MONTHS_AT_RISK),
    grace_hours=_G_BILL_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.when(_has_started.fill_null(value=False))
    .then(nw.lit("service_started"))
    .otherwise(nw.lit("not_yet_due")),
    floor=nw.when(_has_started.fill_null(value=False)).then(nw.lit("S1")).otherwise(nw.lit("S3")),
)

RULES = (CON_MISS_01,)
