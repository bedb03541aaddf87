"""Postings that do not balance: primary book, posting lines, functional currency."""

import narwhals as nw

from reconcilers.rules.base import Rule, party
from reconcilers.rules.severity import floor_of

# Impact: the residual, debits minus credits. No tolerance: rounding has a line of its own.
JE_BAL_01 = Rule(
    code="JE-BAL-01",
    over="cmp_journal_entry__within_erp",
    drifts=nw.col("difference_minor") != 0,
    applies=nw.col("has_erp"),
    owner=party("erp"),
    replica=None,
    expected=nw.col("debit_minor").cast(nw.String),
    observed=nw.col("credit_minor").cast(nw.String),
    impact_minor=nw.col("difference_minor"),
    cause=nw.col("journal_type"),
    floor=floor_of("JE-BAL-01"),
)

RULES = (JE_BAL_01,)
