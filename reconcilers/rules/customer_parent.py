"""Customers that sales and finance hang below different parents."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_G_SYNC_FOUR_TIMES_HOURS = 24

# Impact: what is owed and a year of recurring revenue, which count for another family (+).
HIE_PAR_01 = Rule(
    code="HIE-PAR-01",
    over="cmp_customer_parent__crm_vs_erp",
    drifts=~nw.col("disagreement").is_null(),
    applies=nw.col("has_crm") & nw.col("has_erp"),
    owner=party("crm"),
    replica=party("erp"),
    attribute="parent",
    expected=nw.col("crm_parent_customer_id").fill_null("none"),
    observed=nw.col("erp_parent_customer_id").fill_null("none"),
    impact_minor=nw.col("crm_amount_minor").fill_null(0) + nw.col("erp_amount_minor").fill_null(0),
    grace_hours=_G_SYNC_FOUR_TIMES_HOURS,
    coverage="erp_coverage_seconds",
    cause=nw.col("disagreement"),
    floor=floor_of("HIE-PAR-01"),
)

RULES = (HIE_PAR_01,)
