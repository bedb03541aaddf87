"""Entries on a clearing account that nothing of the payment provider will ever clear."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_net = nw.col("erp_amount_minor")

# Impact: money that clearing shows and nobody holds (-), or that it lacks (+).
PYT_CLR_01 = Rule(
    code="PYT-CLR-01",
    over="cmp_clearing_entry__within_erp",
    drifts=~nw.col("fault").is_null(),
    applies=nw.col("has_erp"),
    owner=party("erp"),
    replica=None,
    expected=nw.lit("charge, refund, dispute or payout"),
    observed=nw.lit("none"),
    impact_minor=-_net,
    coverage="clear_coverage_seconds",
    cause=nw.col("fault"),
    floor=floor_of("PYT-CLR-01"),
)

RULES = (PYT_CLR_01,)
