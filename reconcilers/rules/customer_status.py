"""Customers that the ERP does not take postings for, although billing has some to come."""

import narwhals as nw

from reconcilers.rules.base import Rule, party

_THREE_DAYS = 3 * 24 * 3600

_is_next = (nw.col("seconds_to_invoice") <= _THREE_DAYS).fill_null(value=False)
_is_live = nw.col("has_live_subscription").fill_null(value=False)

# Impact: what is open and the next invoice, which cannot be posted (+).
CUS_STAT_01 = Rule(
    code="CUS-STAT-01",
    over="cmp_customer_status__billing_vs_erp",
    drifts=~nw.col("is_active_in_erp"),
    applies=nw.col("has_billing") & nw.col("has_erp"),
    owner=party("erp"),
    replica=party("billing"),
    attribute="is_active",
    expected=nw.lit("inactive"),
    observed=nw.when(_is_live).then(nw.lit("live subscription")).otherwise(nw.lit("open invoices")),
    impact_minor=nw.col("open_minor").fill_null(0) + nw.col("next_invoice_minor").fill_null(0),
    cause=nw.when(_is_next)
    .then(nw.lit("next_invoice_will_fail"))
    .otherwise(nw.when(_is_live).then(nw.lit("still_served")).otherwise(nw.lit("still_owes"))),
    floor=nw.when(_is_next).then(nw.lit("S2")).otherwise(nw.lit("S3")),
)

RULES = (CUS_STAT_01,)
