"""Rules made from the system-of-record matrix: one per attribute, owner and replica."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import narwhals as nw

from reconcilers.matrix import FieldRule
from reconcilers.rules.base import NOTHING, Rule, party
from reconcilers.rules.comparators import COMPARATORS, Tolerance
from reconcilers.rules.severity import floor_of

_SECONDS_PER_MONTH = 2_629_800  # the mean month of the Gregorian calendar
_COST_OF_CAPITAL_PERCENT = 8  # a year's interest on receivables
_PERCENT_DAYS = 100 * 365


@dataclass(frozen=True)
class Field:
    """A row of the matrix with its two columns."""

    rule: FieldRule
    owner: nw.Expr
    replica: nw.Expr


@dataclass(frozen=True)
class Meaning:
    """What a class of field drift means beyond "the values differ"."""

    impact_minor: Callable[[Field], nw.Expr]
    guard: nw.Expr = field(default_factory=lambda: nw.lit(value=True))
    part: nw.Expr | None = None
    cause: nw.Expr = field(default_factory=lambda: NOTHING)
    floor: nw.Expr | None = None
    coverage: str | None = None  # when it is not the replica's coverage of the row's event
    # of single attributes, where they differ from the class
    guards: Mapping[str, nw.Expr] = field(default_factory=dict)
    causes: Mapping[str, nw.Expr] = field(default_factory=dict)
    floors: Mapping[str, nw.Expr] = field(default_factory=dict)

    def guard_of(self, row: FieldRule) -> nw.Expr:
        own = self.guards.get(row.attribute)
        return self.guard if own is None else self.guard & own

    def cause_of(self, row: FieldRule) -> nw.Expr:
        return self.causes.get(row.attribute, self.cause)

    def floor_of(self, row: FieldRule) -> nw.Expr:
        own = self.floors.get(row.attribute, self.floor)
        return floor_of(row.drift_code, row.attribute) if own is None else own


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


# What days of delay cost: + the ledger asks later than billing, - earlier. An invoice in another
# month is misstated there in full.
def _cost_of_days(of: Field) -> nw.Expr:
    if of.rule.attribute == "number":
        return nw.lit(0)
    days = nw.col(f"{of.rule.attribute}_days").fill_null(0)
    due = nw.col("billing_amount_due_minor").fill_null(0)
    interest = (due * days.abs() * _COST_OF_CAPITAL_PERCENT + _PERCENT_DAYS // 2) // _PERCENT_DAYS
    size: nw.Expr = interest
    if of.rule.attribute == "invoice_date":
        size = nw.when(_is_other_month).then(nw.col("billing_total_minor")).otherwise(interest)
    return nw.when(days < 0).then(-size).otherwise(size)


# What the ledger credits beyond billing (+), or still claims though billing gave it up (-).
def _credited(of: Field) -> nw.Expr:
    if of.rule.attribute == "status":
        return nw.col("erp_total_minor").fill_null(0)
    return of.replica.fill_null(0) - of.owner


def _nothing(_: Field) -> nw.Expr:
    return nw.lit(0)


_OPEN = ["open", "partially_paid"]
_EARNING = ["active", "past_due"]
_IDLE = ["trial", "paused"]
_LIVE = [*_EARNING, *_IDLE]
_billed_after_cancel = (nw.col("crm_status") == "cancelled") & nw.col("billing_status").is_in(_LIVE)
_cancelled_in_billing = nw.col("billing_status") == "cancelled"
_voided = (nw.col("billing_status") == "void") | (nw.col("erp_status") == "void")

_is_other_month = nw.col("billing_invoice_date").dt.truncate("1mo") != nw.col(
    "erp_invoice_date"
).dt.truncate("1mo")
_follows_invoice_date = (nw.col("invoice_date_days") != 0) & (
    nw.col("invoice_date_days") == nw.col("due_date_days")
)

_credits_agree = (nw.col("billing_total_minor") - nw.col("erp_total_minor")).abs() <= nw.col(
    "line_count"
)

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

MEANINGS: Mapping[str, Meaning] = {
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
    # So has its number: an ERP renames what it voids.
    "INV-DATE-01": Meaning(
        impact_minor=_cost_of_days,
        guard=~_voided.fill_null(value=False),
        cause=nw.lit("renumbered"),
        causes={
            "invoice_date": nw.when(nw.col("is_erp_date_of_utc"))
            .then(nw.lit("tz_boundary"))
            .otherwise(
                nw.when(_is_other_month.fill_null(value=False))
                .then(nw.lit("other_month"))
                .otherwise(nw.lit("other_day"))
            ),
            "due_date": nw.when(_follows_invoice_date.fill_null(value=False))
            .then(nw.lit("follows_invoice_date"))
            .otherwise(nw.lit("other_terms")),
        },
        floors={
            "invoice_date": nw.when(_is_other_month.fill_null(value=False))
            .then(nw.lit("S2"))
            .otherwise(nw.lit("S4"))
        },
    ),
    # Billing took a note back that the ledger keeps.
    "CRN-MISS-01": Meaning(
        impact_minor=_credited,
        cause=nw.lit("void_not_copied"),
        coverage="erp_status_coverage_seconds",
    ),
    # A total that differs tells of its tax too.
    "CRN-AMT-01": Meaning(
        impact_minor=_credited,
        guard=~(nw.col("billing_status") == "void").fill_null(value=False),
        guards={"tax": _credits_agree},
        causes={"total": nw.lit("total"), "tax": nw.lit("tax")},
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
