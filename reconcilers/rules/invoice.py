"""Invoices that do not stand once in billing and once in the ledger."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_invoice__billing_vs_erp"
_G_SYNC_HOURS = 6

_is_copy = nw.col("is_erp_duplicate").fill_null(value=False)
_is_unpaid = nw.col("erp_amount_due_minor").fill_null(0) != 0

# Impact: receivable, revenue and tax that the ledger does not show (+).
INV_MISS_01 = Rule(
    code="INV-MISS-01",
    over=_OVER,
    drifts=nw.col("has_billing") & ~nw.col("has_erp"),
    applies=nw.col("has_billing"),
    owner=party("billing"),
    replica=party("erp"),
    expected=nw.col("billing_number"),
    impact_minor=nw.col("billing_total_minor").fill_null(0),
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    floor=floor_of("INV-MISS-01"),
)

# Impact: what the ledger claims and billing never asked for (-).
INV_MISS_02 = Rule(
    code="INV-MISS-02",
    over=_OVER,
    drifts=nw.col("has_erp") & ~nw.col("has_billing") & ~_is_copy,
    applies=nw.col("has_erp") & ~_is_copy,
    owner=party("erp"),
    replica=party("billing"),
    expected=nw.lit("billing source"),
    observed=nw.lit("none"),
    impact_minor=-nw.col("erp_total_minor").fill_null(0),
    grace_hours=_G_SYNC_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.when(_is_unpaid).then(nw.lit("unpaid")).otherwise(nw.lit("settled")),
    floor=nw.when(_is_unpaid).then(nw.lit("S2")).otherwise(floor_of("INV-MISS-02")),
)

# Impact: the extra copy overstates receivable and revenue (-). No grace: waiting does not cure it.
INV_DUP_01 = Rule(
    code="INV-DUP-01",
    over=_OVER,
    drifts=nw.col("has_erp") & _is_copy,
    applies=nw.col("has_erp"),
    owner=party("erp"),
    replica=None,
    expected=nw.lit("one live copy"),
    observed=nw.concat_str([nw.lit("copy of "), nw.col("duplicate_of")]),
    impact_minor=-nw.col("erp_total_minor").fill_null(0),
    cause=nw.col("duplicate_basis"),
    floor=floor_of("INV-DUP-01"),
)

RULES = (INV_MISS_01, INV_MISS_02, INV_DUP_01)
