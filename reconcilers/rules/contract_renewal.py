"""Contracts at the end of a term that go on in one system and not in the other."""

import narwhals as nw

from reconcilers.rules.base import Rule, party

_OVER = "cmp_contract_renewal__crm_vs_billing"
_G_BILL_HOURS = 48

_what = nw.col("disagreement")
_months = nw.col("months_since_term_end").fill_null(1)
_after_churn = _what == "billed_after_churn"
_only_in_billing = _after_churn | (_what == "renewed_in_billing_only")
_mrr = (
    nw.when(_only_in_billing)
    .then(nw.col("billing_amount_minor"))
    .otherwise(nw.col("crm_amount_minor"))
    .fill_null(0)
)

# Impact: recurring revenue since the end of the term: - billed to a customer who left; + not billed
# as it was renewed, or unknown to sales.
CON_REN_01 = Rule(
    code="CON-REN-01",
    over=_OVER,
    drifts=~_what.is_null(),
    applies=nw.col("has_crm") & nw.col("has_billing"),
    owner=party("crm"),
    replica=party("billing"),
    attribute="renewal",
    expected=nw.concat_str(
        [nw.col("crm_status"), nw.lit(" until "), nw.col("end_date").cast(nw.String)]
    ),
    observed=nw.col("billing_status"),
    impact_minor=nw.when(_after_churn).then(-_mrr * _months).otherwise(_mrr * _months),
    grace_hours=_G_BILL_HOURS,
    coverage="crm_coverage_seconds",
    cause=_what,
    floor=nw.when(_after_churn)
    .then(nw.lit("S1"))
    .otherwise(nw.when(_what == "ended_in_billing").then(nw.lit("S2")).otherwise(nw.lit("S4"))),
)

RULES = (CON_REN_01,)
