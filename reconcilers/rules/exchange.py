"""Exchange differences of payments against the stored rates."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_due, _posted = nw.col("rates_amount_minor"), nw.col("ledger_amount_minor")

# Impact: gain that the books leave out (+), or loss (-), in their own currency. Each application is
# rounded by itself: one minor unit.
REV_FX_01 = Rule(
    code="REV-FX-01",
    over="cmp_exchange_difference__rates_vs_ledger",
    drifts=(_due - _posted).abs() > nw.col("application_count"),
    applies=nw.col("has_rates"),
    owner=party("erp"),
    replica=None,
    attribute="exchange_difference",
    expected=_due.cast(nw.String),
    observed=_posted.cast(nw.String),
    impact_minor=_due - _posted,
    cause=nw.when(_posted == 0)
    .then(nw.lit("left_out"))
    .otherwise(
        nw.when(_due == -_posted).then(nw.lit("wrong_sign")).otherwise(nw.lit("other_rate"))
    ),
    floor=floor_of("REV-FX-01"),
)

RULES = (REV_FX_01,)
