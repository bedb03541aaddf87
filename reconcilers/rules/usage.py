"""Units that a meter counted against those that were billed, and what they were billed at."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_metered, _billed = nw.col("metered_quantity"), nw.col("billed_quantity")
_LATE_HOURS = 72

# Impact: usage that nobody billed (+), or that was billed and not used (-), at the price of its
# tiers. Billing counts whole units.
USG_QTY_01 = Rule(
    code="USG-QTY-01",
    over="cmp_usage__metered_vs_billing",
    drifts=(_metered - _billed).abs() >= 1,
    applies=nw.col("has_metered"),
    owner=party("billing"),
    replica=None,
    attribute="quantity",
    expected=_metered.round(0).cast(nw.Int64).cast(nw.String),
    observed=_billed.cast(nw.String),
    impact_minor=nw.col("metered_amount_minor") - nw.col("billing_amount_minor"),
    grace_hours=_LATE_HOURS,
    coverage="billing_coverage_seconds",
    cause=nw.when(_metered > _billed)
    .then(nw.lit("not_billed"))
    .otherwise(nw.lit("billed_too_much")),
    floor=floor_of("USG-QTY-01"),
)

_gap = nw.col("metered_amount_minor") - nw.col("billing_amount_minor")
_gap_of_billed = nw.col("billed_rated_minor") - nw.col("billing_amount_minor")

# Impact: what the units cost by the tiers of their price and was not charged (+), or was charged
# beyond it (-). Billing rounds each line; a fraction of a unit it may leave out or charge.
USG_RATE_01 = Rule(
    code="USG-RATE-01",
    over="cmp_usage__metered_vs_billing",
    drifts=((_metered - _billed).abs() < 1)
    & (_gap.abs() > nw.col("line_count"))
    & (_gap_of_billed.abs() > nw.col("line_count")),
    applies=nw.col("has_metered"),
    owner=party("billing"),
    replica=None,
    attribute="amount",
    expected=nw.col("metered_amount_minor").cast(nw.String),
    observed=nw.col("billing_amount_minor").cast(nw.String),
    impact_minor=_gap,
    cause=nw.when(_gap > 0)
    .then(nw.lit("charged_too_little"))
    .otherwise(nw.lit("charged_too_much")),
    floor=floor_of("USG-RATE-01"),
)

RULES = (USG_QTY_01, USG_RATE_01)
