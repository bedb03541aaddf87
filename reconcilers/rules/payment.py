"""Payments that do not stand once on both sides, were taken twice, or never came after all."""

import narwhals as nw

from reconcilers.rules.base import Rule, either, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_payment__billing_vs_erp"
_G_SYNC_HOURS = 6

_is_copy = nw.col("is_erp_duplicate").fill_null(value=False)
_overcharged = nw.col("overcharged_minor").fill_null(0)

# Impact: the ledger still asks for money that was paid, so receivables are overstated (-).
PAY_MISS_01 = Rule(
    code="PAY-MISS-01",
    over=_OVER,
    drifts=nw.col("has_billing") & ~nw.col("has_erp"),
    applies=nw.col("has_billing"),
    owner=party("billing"),
    replica=party("erp"),
    impact_minor=-nw.col("billing_amount_minor").fill_null(0),
    grace_hours=_G_SYNC_HOURS,
    coverage="erp_coverage_seconds",
    floor=floor_of("PAY-MISS-01"),
)


def _word(copy: str, charge: str) -> nw.Expr:
    """A word for an extra payment of the ledger, and another one for a charge too many."""
    return nw.when(_is_copy).then(nw.lit(copy)).otherwise(nw.lit(charge))


# Impact: money that the ledger shows and nobody paid, or that the customer is owed back (-). No
# grace: waiting does not cure it.
PAY_DUP_01 = Rule(
    code="PAY-DUP-01",
    over=_OVER,
    drifts=_is_copy | (_overcharged > 0),
    applies=nw.col("has_erp") | nw.col("has_billing"),
    owner=either("erp", "billing", _is_copy),
    replica=None,
    expected=_word("one live copy", "one charge"),
    observed=nw.when(_is_copy)
    .then(nw.concat_str([nw.lit("copy of "), nw.col("duplicate_of")]))
    .otherwise(nw.concat_str([nw.lit("charged after "), nw.col("charged_before")])),
    impact_minor=-nw.when(_is_copy)
    .then(nw.col("erp_amount_minor").fill_null(0))
    .otherwise(_overcharged),
    cause=nw.when(_is_copy).then(nw.col("duplicate_basis")).otherwise(nw.lit("charged_twice")),
    floor=floor_of("PAY-DUP-01"),
)

# Impact: what the customer owes again and the ledger counts as paid (+). The provider's fee for a
# return is a cost of its own, kept back with a payout: with it nobody could set the two off.
PAY_RET_01 = Rule(
    code="PAY-RET-01",
    over=_OVER,
    drifts=nw.col("has_erp") & (nw.col("billing_status") == "failed"),
    applies=nw.col("has_billing") & nw.col("has_erp"),
    owner=party("billing"),
    replica=party("erp"),
    expected=nw.lit("failed"),
    observed=nw.lit("paid"),
    impact_minor=nw.col("erp_amount_minor").fill_null(0),
    grace_hours=_G_SYNC_HOURS,
    coverage="return_coverage_seconds",
    cause=nw.when(nw.col("was_collected").fill_null(value=False))
    .then(nw.lit("returned"))
    .otherwise(nw.lit("never_collected")),
    floor=floor_of("PAY-RET-01"),
)

RULES = (PAY_MISS_01, PAY_DUP_01, PAY_RET_01)
