"""Documents of the integration that people changed, and closed periods that moved."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

_is_after_close = nw.col("is_after_close")

# Impact: what the change moved, never negative: nobody says yet which of the two is right.
JE_EDIT_01 = Rule(
    code="JE-EDIT-01",
    over="cmp_journal_edit__within_erp",
    drifts=~nw.col("attributes").is_null(),
    applies=nw.col("has_erp"),
    owner=party("erp"),
    replica=None,
    attribute="edited",
    expected=nw.concat_str([nw.col("attributes"), nw.lit(": "), nw.col("old_values")]),
    observed=nw.concat_str([nw.col("attributes"), nw.lit(": "), nw.col("new_values")]),
    impact_minor=nw.col("erp_amount_minor"),
    cause=nw.when(_is_after_close).then(nw.lit("after_close")).otherwise(nw.lit("before_close")),
    floor=nw.when(_is_after_close).then(nw.lit("S1")).otherwise(floor_of("JE-EDIT-01")),
)

_is_late = ~nw.col("has_signed")
_is_there = nw.col("has_ledger")

# Impact: what moved in a period that people rely on, never negative.
JE_CLS_01 = Rule(
    code="JE-CLS-01",
    over="cmp_closed_journal__signed_vs_ledger",
    drifts=_is_there & (_is_late | nw.col("is_edited")),
    applies=_is_there,
    owner=party("erp"),
    replica=None,
    attribute="closed",
    expected=nw.when(_is_late)
    .then(nw.lit("no document"))
    .otherwise(nw.col("signed_amount_minor").cast(nw.String)),
    observed=nw.col("ledger_amount_minor").cast(nw.String),
    impact_minor=nw.col("change_minor"),
    cause=nw.when(_is_late & nw.col("is_moved"))
    .then(nw.lit("moved_in"))
    .when(_is_late)
    .then(nw.lit("entered_late"))
    .otherwise(nw.lit("edited_late")),
    floor=floor_of("JE-CLS-01"),
)

JE_CLS_01_LEFT = Rule(
    code="JE-CLS-01",
    over="cmp_closed_journal__signed_vs_ledger",
    drifts=~_is_there,
    applies=nw.col("has_signed"),
    owner=party("erp"),
    replica=None,
    attribute="left",
    part=nw.col("period"),  # it may have left several
    expected=nw.col("signed_amount_minor").cast(nw.String),
    observed=nw.lit("no document"),
    impact_minor=nw.col("change_minor"),
    cause=nw.lit("moved_out"),
    floor=floor_of("JE-CLS-01"),
)

RULES = (JE_EDIT_01, JE_CLS_01, JE_CLS_01_LEFT)
