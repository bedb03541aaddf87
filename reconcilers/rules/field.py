"""Rules made from the system-of-record matrix: one per attribute, owner and replica."""

from collections.abc import Mapping

import narwhals as nw

from reconcilers.matrix import FieldRule
from reconcilers.rules import contract_fields, document_fields
from reconcilers.rules.base import Rule, party
from reconcilers.rules.comparators import COMPARATORS, Tolerance
from reconcilers.rules.meaning import Field, Meaning

_SECONDS_PER_MONTH = 2_629_800  # the mean month of the Gregorian calendar


def _as_minor(value: nw.Expr) -> nw.Expr:
    return value.round(0).cast(nw.Int64)


# Total: billing minus ledger, so + is what the ledger leaves out.
def _invoice_total(of: Field) -> nw.Expr:
    return of.owner - of.replica.fill_null(0)


# Open balance of the side that says open: + a claim that only billing makes, - only the ledger.
def _open_balance(_: Field) -> nw.Expr:
    billing_due = nw.when(nw.col("billing_status").is_in(_OPEN)).then(
        nw.col("billing_amount_due_minor").fill_null(0)
    )
    erp_due = nw.when(nw.col("erp_status").is_in(_OPEN)).then(
        nw.col("erp_amount_due_minor").fill_null(0)
    )
    return billing_due.otherwise(nw.lit(0)) - erp_due.otherwise(nw.lit(0))


# Price effect over the months of service that are left: + billing charges less than the paper says.
def _price_effect(of: Field) -> nw.Expr:
    return (of.owner - of.replica.fill_null(0)) * nw.col("remaining_months").fill_null(1)


# Quantity effect at the contracted price over the months left: + billing charges for fewer units.
def _quantity_effect(of: Field) -> nw.Expr:
    units = (of.owner - of.replica.fill_null(0)) * nw.col("remaining_months").fill_null(1)
    return _as_minor(nw.col("crm_unit_mrr_minor").fill_null(0) * units)


# Recurring revenue of the subscription per month begun since the change: + where the CRM does not
# count what billing earns; - where it counts what is not earned, or one that left is charged.
def _revenue_since_change(_: Field) -> nw.Expr:
    coverage = nw.col("crm_coverage_seconds").fill_null(0)
    months = nw.when(coverage > 0).then(coverage // _SECONDS_PER_MONTH + 1).otherwise(nw.lit(1))
    understated = nw.col("crm_status").is_in(_IDLE) & nw.col("billing_status").is_in(_EARNING)
    sign = nw.when(understated).then(nw.lit(1)).otherwise(nw.lit(-1))
    return nw.col("live_mrr_minor").fill_null(0) * months * sign


# What the ledger shows less what the provider took: - is paid and still asked for, as when it is
# missing. In another currency the two cannot be set off: all of it is in question.
def _payment_amount(of: Field) -> nw.Expr:
    billed = nw.col("billing_amount_minor").fill_null(0)
    return of.replica.fill_null(0) - billed if of.rule.attribute == "amount" else -billed


def _nothing(_: Field) -> nw.Expr:
    return nw.lit(0)


_OPEN = ["open", "partially_paid"]
_EARNING = ["active", "past_due"]
_IDLE = ["trial", "paused"]
_LIVE = [*_EARNING, *_IDLE]
_billed_after_cancel = (nw.col("crm_status") == "cancelled") & nw.col("billing_status").is_in(_LIVE)
_cancelled_in_billing = nw.col("billing_status") == "cancelled"
_voided = (nw.col("billing_status") == "void") | (nw.col("erp_status") == "void")

_STATE_CAUSE = (
    nw.when(nw.col("billing_status") == "void")
    .then(nw.lit("void_not_copied"))
    .otherwise(
        nw.when(nw.col("erp_status") == "void")
        .then(nw.lit("voided_in_ledger_only"))
        .otherwise(
            nw.when(nw.col("billing_status") == "paid")
            .then(nw.lit("payment_not_applied"))
            .otherwise(
                nw.when(nw.col("erp_status") == "paid")
                .then(nw.lit("paid_in_ledger_only"))
                .otherwise(nw.lit("state_not_copied"))
            )
        )
    )
)

_in_one_currency = nw.col("billing_currency") == nw.col("erp_currency")
_kept_back = nw.col("billing_amount_minor") - nw.col("erp_amount_minor")

# A bank's charge on a transfer never shows here: only what the provider collected has two amounts.
_PAYMENT_CAUSE = (
    nw.when(~_in_one_currency.fill_null(value=True))
    .then(nw.lit("other_currency"))
    .otherwise(
        nw.when((_kept_back == nw.col("billing_fee_minor")).fill_null(value=False))
        .then(nw.lit("fee_netted"))
        .otherwise(nw.when(_kept_back > 0).then(nw.lit("short")).otherwise(nw.lit("over")))
    )
)

MEANINGS: Mapping[str, Meaning] = {
    **contract_fields.MEANINGS,
    **document_fields.MEANINGS,
    "CUS-ATTR-01": Meaning(impact_minor=_nothing),
    "SUB-QTY-01": Meaning(impact_minor=_quantity_effect, part=nw.col("product_code")),
    "CON-AMT-01": Meaning(impact_minor=_price_effect, part=nw.col("product_code")),
    "SUB-STAT-01": Meaning(
        impact_minor=_revenue_since_change,
        cause=nw.when(_billed_after_cancel)
        .then(nw.lit("billing_after_cancel"))
        .otherwise(nw.lit("crm_copy_stale")),
        floor=nw.when(_billed_after_cancel)
        .then(nw.lit("S1"))
        .otherwise(nw.when(_cancelled_in_billing).then(nw.lit("S2")).otherwise(nw.lit("S4"))),
    ),
    # A voided document has no total to compare; that one side alone voided it is its state.
    "INV-AMT-01": Meaning(
        impact_minor=_invoice_total,
        guard=~_voided.fill_null(value=False),
        cause=nw.when(nw.col("billing_subtotal_minor") == nw.col("erp_subtotal_minor"))
        .then(nw.lit("tax"))
        .otherwise(
            nw.when(nw.col("billing_tax_minor") == nw.col("erp_tax_minor"))
            .then(nw.lit("net"))
            .otherwise(nw.lit("net_and_tax"))
        ),
    ),
    # A charge that failed is booked in vain, with whatever amount.
    "PAY-AMT-01": Meaning(
        impact_minor=_payment_amount,
        guard=~(nw.col("billing_status") == "failed").fill_null(value=False),
        guards={"amount": _in_one_currency.fill_null(value=True)},
        cause=_PAYMENT_CAUSE,
    ),
    "INV-STAT-01": Meaning(
        impact_minor=_open_balance, cause=_STATE_CAUSE, coverage="erp_status_coverage_seconds"
    ),
}


def field_rule(row: FieldRule) -> Rule:
    """The rule that a row of the matrix stands for."""
    meaning = MEANINGS[row.drift_code]
    owner, replica = nw.col(row.owner_column), nw.col(row.replica_column)
    differs = COMPARATORS[row.comparator](
        owner,
        replica,
        Tolerance(row.tolerance, per_line=row.is_per_line, cap=row.tolerance_cap),
    )
    both = nw.col(f"has_{row.owner}") & nw.col(f"has_{row.replica}") & meaning.guard_of(row)
    return Rule(
        code=row.drift_code,
        over=row.comparison,
        drifts=both & differs,
        applies=both & ~owner.is_null(),
        owner=party(row.owner),
        replica=party(row.replica),
        attribute=row.attribute,
        part=meaning.part,
        expected=owner.cast(nw.String),
        observed=replica.cast(nw.String),
        impact_minor=meaning.impact_minor(Field(row, owner, replica)),
        grace_hours=row.grace_hours,
        coverage=meaning.coverage or f"{row.replica}_coverage_seconds",
        cause=meaning.cause_of(row),
        floor=meaning.floor_of(row),
    )
