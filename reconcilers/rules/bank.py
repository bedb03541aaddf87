"""Payouts that the bank does not show as it should, and money of the provider for no payout."""

import narwhals as nw

from reconcilers.rules.base import Rule, either, party
from reconcilers.rules.severity import floor_of

_is_settled = nw.col("is_settled")
_has_bank = nw.col("has_bank")
_both = nw.col("has_billing") & _has_bank
_paid = nw.when(_is_settled).then(nw.col("billing_amount_minor")).otherwise(nw.lit(0))
_booked = nw.col("bank_amount_minor").fill_null(0)

# The gravest case is the last one that is true.
_FAULT: nw.Expr = nw.lit(None, dtype=nw.String)
for _is_so, _name in (
    (_both & (_booked != _paid), "other_amount"),
    (_both & ~_is_settled & (_booked != 0), "not_paid_out"),
    (
        _both & _is_settled & (nw.col("returned_minor") > 0) & (_booked <= 0) & (_booked != _paid),
        "returned",
    ),
    (~nw.col("has_billing") & (_booked > 0), "unexpected_credit"),
    (~nw.col("has_billing") & (_booked < 0), "unexpected_debit"),
    (_is_settled & ~_has_bank, "not_on_statement"),
):
    _FAULT = nw.when(_is_so.fill_null(value=False)).then(nw.lit(_name)).otherwise(_FAULT)

# Impact: bank less payout: + is money at the bank that the books leave out, - what they show and
# the bank does not have. It has three business days by the coverage of the statement.
PYT_BANK_01 = Rule(
    code="PYT-BANK-01",
    over="cmp_payout__billing_vs_bank",
    drifts=~_FAULT.is_null(),
    applies=_is_settled | _has_bank,
    owner=either("bank", "billing", _has_bank),
    replica=party("erp"),
    expected=nw.col("billing_amount_minor").cast(nw.String),
    observed=nw.col("bank_amount_minor").cast(nw.String),
    impact_minor=_booked - _paid,
    coverage="due_coverage_seconds",
    cause=_FAULT,
    floor=nw.when(nw.col("is_long_due")).then(nw.lit("S1")).otherwise(floor_of("PYT-BANK-01")),
)

RULES = (PYT_BANK_01,)
