"""What drift of single fields means on documents: dates, lines and taxes, credits."""

from collections.abc import Mapping

import narwhals as nw

from reconcilers.rules.interest import interest
from reconcilers.rules.meaning import Field, Meaning


# What days of delay cost: + the ledger asks later than billing, - earlier. An invoice in another
# month is misstated there in full.
def _cost_of_days(of: Field) -> nw.Expr:
    if of.rule.attribute == "number":
        return nw.lit(0)
    days = nw.col(f"{of.rule.attribute}_days").fill_null(0)
    due = nw.col("billing_amount_due_minor").fill_null(0)
    size: nw.Expr = interest(due, days.abs())
    if of.rule.attribute == "invoice_date":
        size = nw.when(_is_other_month).then(nw.col("billing_total_minor")).otherwise(size)
    return nw.when(days < 0).then(-size).otherwise(size)


# Revenue of the line that stands under another item or line, or in other periods (+ too late).
def _moved_revenue(of: Field) -> nw.Expr:
    moved = {
        "product_code": nw.col("billing_amount_minor"),
        "amount": nw.col("billing_amount_minor") - nw.col("erp_amount_minor"),
        "service_start_date": nw.col("start_moved_minor"),
        "service_end_date": nw.col("end_moved_minor"),
    }
    return moved.get(of.rule.attribute, nw.lit(0)).fill_null(0)


# What the ledger credits beyond billing (+), or still claims though billing gave it up (-).
def _credited(of: Field) -> nw.Expr:
    if of.rule.attribute == "status":
        return nw.col("erp_total_minor").fill_null(0)
    return of.replica.fill_null(0) - of.owner


# Billing minus ledger: + is a tax liability that the ledger leaves out.
def _owed_tax(of: Field) -> nw.Expr:
    return of.owner - of.replica


# The document, which the right entity's books lack: + what it does not claim, - what it still does
# though a note gave it up or a payment settled it.
def _of_other_books(of: Field) -> nw.Expr:
    total = nw.col("billing_amount_minor").fill_null(0)
    return total if of.rule.entity == "invoice" else -total


_SYSTEMATIC = 3
_is_other_rate = (nw.col("billing_rate_percent") != nw.col("erp_rate_percent")).fill_null(
    value=False
)
_is_void = ((nw.col("billing_status") == "void") | (nw.col("erp_status") == "void")).fill_null(
    value=False
)
_is_other_month = nw.col("billing_invoice_date").dt.truncate("1mo") != nw.col(
    "erp_invoice_date"
).dt.truncate("1mo")
_follows_invoice_date = (nw.col("invoice_date_days") != 0) & (
    nw.col("invoice_date_days") == nw.col("due_date_days")
)

_credits_agree = (nw.col("billing_total_minor") - nw.col("erp_total_minor")).abs() <= nw.col(
    "line_count"
)
_has_service_days = ~(
    nw.col("erp_service_start_date").is_null() & nw.col("erp_service_end_date").is_null()
)

MEANINGS: Mapping[str, Meaning] = {
    # A line without any service days is not deferred: its schedule is missing, not the days.
    "INV-LINE-01": Meaning(
        impact_minor=_moved_revenue,
        guards=dict.fromkeys(("service_start_date", "service_end_date"), _has_service_days),
        causes={
            "product_code": nw.lit("other_item"),
            "quantity": nw.lit("other_quantity"),
            "amount": nw.lit("moved_between_lines"),
            "service_start_date": nw.lit("other_service_days"),
            "service_end_date": nw.lit("other_service_days"),
        },
    ),
    # A voided document is renumbered in some ERPs, and has no day to compare.
    "INV-DATE-01": Meaning(
        impact_minor=_cost_of_days,
        guard=~_is_void,
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
    # What is void stands in nobody's books.
    "JE-ENT-01": Meaning(
        impact_minor=_of_other_books, guard=~_is_void, cause=nw.lit("other_entity")
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
    "CRN-APPL-01": Meaning(impact_minor=_credited, cause=nw.lit("other_amount")),
    # One invoice is a slip; the same country again and again is how its tax is set up.
    "TAX-AMT-01": Meaning(
        impact_minor=_owed_tax,
        part=nw.col("jurisdiction"),
        cause=nw.when(nw.col("erp_tax_minor") == 0)
        .then(nw.lit("not_in_ledger"))
        .otherwise(
            nw.when(nw.col("billing_tax_minor") == 0)
            .then(nw.lit("not_in_billing"))
            .otherwise(
                nw.when(_is_other_rate).then(nw.lit("other_rate")).otherwise(nw.lit("other_amount"))
            )
        ),
        floor=nw.when(nw.col("apart_count") >= _SYSTEMATIC)
        .then(nw.lit("S2"))
        .otherwise(nw.lit("S4")),
    ),
}
