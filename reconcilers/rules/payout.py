"""Payouts that the ledger did not deposit as they were, or that are not what they consist of."""

import narwhals as nw

from reconcilers.rules.base import Rule, either, party
from reconcilers.rules.severity import floor_of

_OVER = "cmp_payout__billing_vs_erp"

_is_ours = ~nw.col("has_billing")
_both = nw.col("has_billing") & nw.col("has_erp")
_net = nw.col("billing_amount_minor").fill_null(0)
_banked = nw.col("erp_amount_minor").fill_null(0)
_gap = nw.col("composition_gap_minor").fill_null(0)


def _first_of(*cases: tuple[nw.Expr, str]) -> nw.Expr:
    """The name of the first case that is true; null when none is."""
    name: nw.Expr = nw.lit(None, dtype=nw.String)
    for is_so, told in reversed(cases):
        name = nw.when(is_so.fill_null(value=False)).then(nw.lit(told)).otherwise(name)
    return name


# One finding per payout, the gravest thing that is wrong with its deposit. While a payout is not
# what it consists of (PYT-COMP-01) its deposit cannot be held against either.
_FAULT = _first_of(
    (_is_ours & nw.col("is_erp_duplicate"), "entered_twice"),
    (_is_ours, "unknown_to_provider"),
    (~nw.col("has_erp") & nw.col("is_settled"), "not_deposited"),
    (_both & ~nw.col("is_settled"), "not_arrived"),
    (_both & (nw.col("billing_currency") != nw.col("erp_currency")), "other_currency"),
    (_both & (_gap == 0) & (_net != _banked), "other_amount"),
    (_both & (_gap == 0) & (nw.col("billing_fee_minor") != nw.col("erp_fee_minor")), "other_fees"),
    (_both & (_gap == 0) & (nw.col("members_apart_count") > 0), "other_members"),
    (_both & (nw.col("billing_date") != nw.col("erp_date")), "other_date"),
)

# Impact: payouts less deposits: + is money at the bank that the ledger leaves out. Fees that only
# one side shows are cost that the ledger lacks (-) or has too much of (+).
PYT_DEP_01 = Rule(
    code="PYT-DEP-01",
    over=_OVER,
    drifts=~_FAULT.is_null(),
    applies=nw.col("is_settled") | nw.col("has_erp"),
    owner=either("billing", "erp", nw.col("has_billing")),
    replica=either("billing", "erp", _is_ours),
    expected=nw.when(_FAULT == "other_date")
    .then(nw.col("billing_date").cast(nw.String))
    .otherwise(
        nw.when(_FAULT == "other_fees")
        .then(nw.col("billing_fee_minor").cast(nw.String))
        .otherwise(nw.col("billing_amount_minor").cast(nw.String))
    ),
    observed=nw.when(_FAULT == "other_date")
    .then(nw.col("erp_date").cast(nw.String))
    .otherwise(
        nw.when(_FAULT == "other_fees")
        .then(nw.col("erp_fee_minor").cast(nw.String))
        .otherwise(nw.col("erp_amount_minor").cast(nw.String))
    ),
    impact_minor=nw.when(_FAULT == "other_fees")
    .then(nw.col("erp_fee_minor") - nw.col("billing_fee_minor"))
    .otherwise(
        nw.when((_FAULT == "other_currency") | (_FAULT == "not_arrived"))
        .then(nw.when(nw.col("is_settled")).then(_net).otherwise(-_banked))
        .otherwise(_net - _banked)
    ),
    coverage="due_coverage_seconds",
    cause=_FAULT,
    floor=floor_of("PYT-DEP-01"),
)

# Impact: what the payout's members bring more than it does (+) or less (-).
PYT_COMP_01 = Rule(
    code="PYT-COMP-01",
    over=_OVER,
    drifts=nw.col("has_billing") & (_gap != 0),
    applies=nw.col("is_reconciled"),
    owner=party("billing"),
    replica=None,
    attribute="members",
    expected=nw.col("members_net_minor").cast(nw.String),
    observed=nw.col("billing_amount_minor").cast(nw.String),
    impact_minor=_gap,
    floor=floor_of("PYT-COMP-01"),
)

RULES = (PYT_DEP_01, PYT_COMP_01)
