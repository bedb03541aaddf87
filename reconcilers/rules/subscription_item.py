"""Subscription items that bill what another one bills already."""

import narwhals as nw

from reconcilers.rules.base import Party, Rule
from reconcilers.rules.severity import floor_of

# Impact: what was charged for the copy, and what it will cost for the rest of the term (-).
SUB_DUP_01 = Rule(
    code="SUB-DUP-01",
    over="cmp_subscription_item__within_billing",
    drifts=~nw.col("kept_id").is_null(),
    applies=nw.col("has_billing"),
    owner=Party(nw.lit("billing"), nw.lit("stripe"), nw.col("kept_id")),
    replica=Party(nw.lit("billing"), nw.lit("stripe"), nw.col("billing_id")),
    expected=nw.lit("one item for the contract line"),
    observed=nw.concat_str([nw.lit("again in "), nw.col("subscription_id")]),
    impact_minor=-(
        nw.col("charged_minor").fill_null(0)
        + nw.col("billing_amount_minor").fill_null(0) * nw.col("remaining_months").fill_null(0)
    ),
    cause=nw.when(nw.col("is_of_another_subscription"))
    .then(nw.lit("another_subscription"))
    .otherwise(nw.lit("same_subscription")),
    floor=floor_of("SUB-DUP-01"),
)

RULES = (SUB_DUP_01,)
