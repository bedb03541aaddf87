"""Refunds that one side alone knows, that no credit note stands behind, or that went out twice."""

import narwhals as nw

from reconcilers.rules.base import Rule, either, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_refund__billing_vs_erp"
_G_SYNC_HOURS = 6

_is_ours = ~nw.col("has_billing")
_is_copy = nw.col("is_erp_duplicate").fill_null(value=False)
_excess = nw.col("excess_minor").fill_null(0)
_failed = nw.col("has_billing") & nw.col("has_erp") & ~nw.col("is_settled")
_billed = nw.col("billing_amount_minor").fill_null(0)
_booked = nw.col("erp_amount_minor").fill_null(0)

# Impact: cash that left and still stands in the ledger (-), or left the ledger and is still there
# (+). The side without the refund is the replica: the ledger, but for one the provider lacks.
RFD_MISS_01 = Rule(
    code="RFD-MISS-01",
    over=_OVER,
    drifts=((nw.col("has_billing") & ~nw.col("has_erp")) | (_is_ours & (_excess == 0)) | _failed),
    applies=nw.col("has_billing") | (_excess == 0),
    owner=either("billing", "erp", nw.col("has_billing")),
    replica=either("billing", "erp", _is_ours),
    expected=nw.when(_failed).then(nw.lit("none")).otherwise(nw.lit("present")),
    observed=nw.when(_failed).then(nw.lit("present")).otherwise(nw.lit("missing")),
    impact_minor=nw.when(nw.col("has_erp")).then(_booked).otherwise(-_billed),
    grace_hours=_G_SYNC_HOURS,
    coverage="missing_coverage_seconds",
    cause=nw.when(_is_ours)
    .then(nw.lit("unknown_to_provider"))
    .otherwise(nw.when(_failed).then(nw.lit("failed_at_provider")).otherwise(nw.lit("not_posted"))),
    floor=floor_of("RFD-MISS-01"),
)

# Impact: revenue and tax that were given back and not taken back (-).
RFD_MISS_01_CREDIT = Rule(
    code="RFD-MISS-01",
    over=_OVER,
    drifts=nw.col("has_billing") & (nw.col("uncredited_minor") > 0),
    applies=nw.col("has_billing"),
    owner=party("billing"),
    replica=None,
    attribute="credit_note",
    expected=_billed.cast(nw.String),
    observed=(_billed - nw.col("uncredited_minor").fill_null(0)).cast(nw.String),
    impact_minor=-nw.col("uncredited_minor").fill_null(0),
    grace_hours=_G_SYNC_HOURS,
    coverage="credit_coverage_seconds",
    cause=nw.lit("no_credit_note"),
    floor=floor_of("RFD-MISS-01"),
)

# Impact: cash out, or booked as such, beyond what was owed (+). No grace: waiting cures nothing.
RFD_DUP_01 = Rule(
    code="RFD-DUP-01",
    over=_OVER,
    drifts=_excess > 0,
    applies=nw.col("has_billing") | nw.col("has_erp"),
    owner=either("billing", "erp", nw.col("has_billing")),
    replica=None,
    expected=nw.lit("paid back once"),
    observed=nw.concat_str([nw.lit("beside "), nw.col("duplicate_of").fill_null("what was paid")]),
    impact_minor=_excess,
    cause=nw.col("excess_basis"),
    floor=floor_of("RFD-DUP-01"),
)

RULES = (RFD_MISS_01, RFD_MISS_01_CREDIT, RFD_DUP_01)
