"""Monthly recurring revenue: each month follows the one before, by one decided movement."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_is_gap = nw.col("fault") == "not_charged"

# Impact: what the roll-forward lost of revenue that went on (+), or what does not add up. No
# tolerance and no window: all of it is made here, of what billing says.
MRR_ROLL_01 = Rule(
    code="MRR-ROLL-01",
    over="cmp_mrr_month__movements_vs_closing",
    drifts=~nw.col("fault").is_null(),
    applies=nw.col("has_closing"),
    owner=party("billing"),
    replica=None,
    attribute="movement",
    part=nw.col("period"),
    expected=nw.when(_is_gap)
    .then(nw.col("opening_minor").cast(nw.String))
    .otherwise(nw.col("movements_amount_minor").cast(nw.String)),
    observed=nw.col("closing_amount_minor").cast(nw.String),
    impact_minor=nw.when(_is_gap)
    .then(nw.col("opening_minor"))
    .otherwise(nw.col("movements_amount_minor") - nw.col("closing_amount_minor")),
    cause=nw.col("fault"),
    floor=floor_of("MRR-ROLL-01"),
)

RULES = (MRR_ROLL_01,)
