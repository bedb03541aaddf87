"""Postings that do not balance or stand twice: primary book, posting lines, functional currency."""

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

# Impact: the extra debits overstate the books (-). No grace: waiting does not cure it.
JE_DUP_01 = Rule(
    code="JE-DUP-01",
    over="cmp_journal_entry__within_erp",
    drifts=~nw.col("duplicate_of").is_null(),
    applies=nw.col("journal_type") == "journal",
    owner=party("erp"),
    replica=None,
    expected=nw.lit("one journal"),
    observed=nw.concat_str([nw.lit("copy of "), nw.col("duplicate_of")]),
    impact_minor=-nw.col("debit_minor"),
    cause=nw.col("duplicate_basis"),
    floor=floor_of("JE-DUP-01"),
)

RULES = (JE_BAL_01, JE_DUP_01)
