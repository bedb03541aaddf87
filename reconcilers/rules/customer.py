"""Billing customers that the CRM or the ledger lacks. Their attributes come from the matrix."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_G_SYNC_HOURS = 6

# People who sign up by themselves need no account; an unknown channel is not an excuse.
_needs_account = (nw.col("channel") != "self_serve").fill_null(value=True)
_link_lost = nw.col("has_crm") & ~nw.col("is_cross_referenced").fill_null(value=False)

# Impact: annual recurring revenue that nobody in sales owns (+).
CUS_MISS_01 = Rule(
    code="CUS-MISS-01",
    over="cmp_customer__crm_vs_billing",
    drifts=nw.col("has_billing") & _needs_account & (~nw.col("has_crm") | _link_lost),
    applies=nw.col("has_billing") & _needs_account,
    owner=party("billing"),
    replica=party("crm"),
    expected=nw.lit("linked account"),
    observed=nw.when(_link_lost).then(nw.lit("no cross-reference")).otherwise(nw.lit("missing")),
    impact_minor=nw.col("live_mrr_minor").fill_null(0) * 12,
    grace_hours=_G_SYNC_HOURS,
    coverage="crm_coverage_seconds",
    cause=nw.when(_link_lost).then(nw.lit("link_lost")).otherwise(nw.lit("account_missing")),
    floor=nw.when(nw.col("has_active_subscription").fill_null(value=False))
    .then(nw.lit("S3"))
    .otherwise(nw.lit("S4")),
)

# Impact: what was invoiced to somebody the ledger does not know (+).
CUS_MISS_02 = Rule(
    code="CUS-MISS-02",
    over="cmp_customer__billing_vs_erp",
    drifts=nw.col("has_billing") & ~nw.col("has_erp") & nw.col("has_documents"),
    applies=nw.col("has_billing") & nw.col("has_documents"),
    owner=party("billing"),
    replica=party("erp"),
    impact_minor=nw.col("documents_minor").fill_null(0),
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    floor=floor_of("CUS-MISS-02"),
)

RULES = (CUS_MISS_01, CUS_MISS_02)
