"""Contracts without a subscription, and the reverse. What both sides say comes from the matrix."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_contract__crm_vs_billing"
_G_BILL_HOURS = 48
_G_SYNC_HOURS = 6
_MONTHS_AT_RISK = 12

_has_started = nw.col("months_since_start") > 0

# Impact: revenue leaked since the start (whole months), and a year of it at risk (+).
CON_MISS_01 = Rule(
    code="CON-MISS-01",
    over=_OVER,
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

_WITHOUT_PAPER = nw.col("has_billing") & ~nw.col("has_crm")

# Impact: annual recurring revenue that no paper stands behind, and the CRM does not know (+).
CON_MISS_02 = Rule(
    code="CON-MISS-02",
    over=_OVER,
    drifts=_WITHOUT_PAPER,
    applies=nw.col("has_billing"),
    owner=party("billing"),
    replica=party("crm"),
    expected=nw.lit("signed contract"),
    observed=nw.concat_str([nw.lit("contract "), nw.col("contract_number")]).fill_null("none"),
    impact_minor=nw.col("billing_amount_minor").fill_null(0) * _MONTHS_AT_RISK,
    grace_hours=_G_SYNC_HOURS,
    coverage="crm_coverage_seconds",
    cause=nw.when(nw.col("contract_status").is_null())
    .then(nw.lit("no_contract"))
    .otherwise(
        nw.when(nw.col("contract_status") == "draft")
        .then(nw.lit("not_signed"))
        .otherwise(nw.lit("not_won"))
    ),
    floor=floor_of("CON-MISS-02"),
)

RULES = (CON_MISS_01, CON_MISS_02)
