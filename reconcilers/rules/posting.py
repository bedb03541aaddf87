"""Events without a journal, postings in another period, and lines on another account."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_posting__event_vs_ledger"
_G_SYNC_HOURS = 6

_amount = nw.col("event_amount_minor").fill_null(0)

# Impact: what the books understate (+) or overstate (-) as long as the event is not posted.
JE_MISS_01 = Rule(
    code="JE-MISS-01",
    over=_OVER,
    drifts=~nw.col("has_ledger"),
    applies=nw.col("has_event"),
    owner=party("erp"),
    replica=None,
    expected=nw.lit("posted"),
    observed=nw.lit("not posted"),
    impact_minor=_amount,
    grace_hours=_G_SYNC_HOURS,
    coverage="ledger_coverage_seconds",
    cause=nw.col("document"),
    floor=floor_of("JE-MISS-01"),
)

# Impact: what the period of the event lacks (+) or has too much of (-). Waiting does not cure it.
JE_PER_01 = Rule(
    code="JE-PER-01",
    over=_OVER,
    drifts=nw.col("has_ledger") & (nw.col("period") != nw.col("due_period")),
    applies=nw.col("has_ledger"),
    owner=party("erp"),
    replica=None,
    attribute="period",
    expected=nw.col("due_period"),
    observed=nw.col("period"),
    impact_minor=_amount,
    cause=nw.col("document"),
    floor=nw.when(nw.col("period").str.slice(0, 4) != nw.col("due_period").str.slice(0, 4))
    .then(nw.lit("S1"))
    .otherwise(floor_of("JE-PER-01")),
)

_is_shifted = nw.col("is_result_shifted")

# Impact: what the account of the mapping lacks (+). What moves between the balance sheet and the
# result is never trivial.
JE_ACC_01 = Rule(
    code="JE-ACC-01",
    over="cmp_posting_line__mapping_vs_ledger",
    drifts=~nw.col("is_allowed"),
    applies=nw.col("has_mapping"),
    owner=party("erp"),
    replica=None,
    attribute="account",
    expected=nw.col("mapping_accounts"),
    observed=nw.col("ledger_account"),
    impact_minor=nw.col("ledger_amount_minor"),
    grace_hours=_G_SYNC_HOURS,
    coverage="ledger_coverage_seconds",
    cause=nw.when(_is_shifted)
    .then(nw.lit("result_shifted"))
    .otherwise(
        nw.when(nw.col("is_mapped_account").fill_null(value=False))
        .then(nw.lit("of_another_event"))
        .otherwise(nw.lit("unmapped_account"))
    ),
    floor=nw.when(_is_shifted).then(nw.lit("S3")).otherwise(floor_of("JE-ACC-01")),
)

RULES = (JE_MISS_01, JE_PER_01, JE_ACC_01)
