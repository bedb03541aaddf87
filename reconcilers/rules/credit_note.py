"""Credit notes that do not stand once in billing and once in the ledger, or credit too much."""

import narwhals as nw

from reconcilers.rules.base import Rule, either
from reconcilers.rules.severity import floor_of

_OVER = "cmp_credit_note__billing_vs_erp"
_G_SYNC_HOURS = 6
_G_APPLY_HOURS = 48  # two days of business; a weekend is not left out

_is_copy = nw.col("is_erp_duplicate").fill_null(value=False)

# Impact: receivable and revenue that the ledger overstates (-), or gave up without billing (+).
CRN_MISS_01 = Rule(
    code="CRN-MISS-01",
    over=_OVER,
    drifts=~(nw.col("has_billing") & nw.col("has_erp")) & ~_is_copy,
    applies=~_is_copy,
    owner=either("billing", "erp", nw.col("has_billing")),
    replica=either("billing", "erp", ~nw.col("has_billing")),
    impact_minor=nw.when(nw.col("has_billing"))
    .then(-nw.col("billing_total_minor").fill_null(0))
    .otherwise(nw.col("erp_total_minor").fill_null(0)),
    grace_hours=_G_SYNC_HOURS,
    coverage="counterpart_coverage_seconds",
    cause=nw.col("missing_because"),
)

# Impact: what was given up beyond what was owed (+). No grace: waiting does not cure it.
CRN_AMT_01 = Rule(
    code="CRN-AMT-01",
    over=_OVER,
    drifts=_is_copy | (nw.col("excess_minor") > 0).fill_null(value=False),
    applies=nw.col("has_billing") | nw.col("has_erp"),
    owner=either("billing", "erp", ~_is_copy),
    replica=None,
    expected=nw.when(_is_copy).then(nw.lit("one live copy")).otherwise(nw.lit("invoice total")),
    observed=nw.when(_is_copy)
    .then(nw.concat_str([nw.lit("copy of "), nw.col("duplicate_of")]))
    .otherwise(nw.concat_str([nw.lit("more by "), nw.col("excess_minor").cast(nw.String)])),
    impact_minor=nw.when(_is_copy)
    .then(nw.col("erp_total_minor").fill_null(0))
    .otherwise(nw.col("excess_minor").fill_null(0)),
    cause=nw.when(_is_copy).then(nw.lit("posted_twice")).otherwise(nw.lit("over_credited")),
    floor=nw.lit("S1"),
)

# Impact: what the ledger still asks for though it is credited (-), or no longer asks for (+).
CRN_APPL_01 = Rule(
    code="CRN-APPL-01",
    over="cmp_credit_note_application__billing_vs_erp",
    drifts=~(nw.col("has_billing") & nw.col("has_erp")),
    applies=nw.col("has_billing") | nw.col("has_erp"),
    owner=either("billing", "erp", nw.col("has_billing")),
    replica=either("billing", "erp", ~nw.col("has_billing")),
    expected=nw.when(nw.col("has_billing"))
    .then(nw.lit("applied"))
    .otherwise(nw.lit("not applied")),
    observed=nw.when(nw.col("has_billing"))
    .then(nw.lit("not applied"))
    .otherwise(nw.lit("applied")),
    impact_minor=nw.col("erp_applied_minor").fill_null(0)
    - nw.col("billing_applied_minor").fill_null(0),
    grace_hours=_G_APPLY_HOURS,
    coverage="counterpart_coverage_seconds",
    cause=nw.col("missing_because"),
    floor=floor_of("CRN-APPL-01"),
)

RULES = (CRN_MISS_01, CRN_AMT_01, CRN_APPL_01)
