"""Which function corrects what of billing's documents; part of writers.py. Pure."""

from collections.abc import Callable, Mapping

from reconcilers.corrections.billing_deeds import finalize_draft, pay_out_of_band
from reconcilers.corrections.billing_made import credit_refund, refund_charge
from reconcilers.corrections.correction import Correction, Subject
from reconcilers.corrections.erp_duplicate import credit_void
from reconcilers.corrections.facts import Facts
from reconcilers.corrections.list_prices import make_price
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.usage_items import (
    bill_rating,
    bill_usage,
    credit_rating,
    credit_usage,
)

BILLING_WRITERS: Mapping[
    tuple[str, str | None], Callable[[Subject, Rule, Facts], Correction | None]
] = {
    ("PAY-OOB-01", "in_full"): pay_out_of_band,
    ("RFD-MISS-01", "no_credit_note"): credit_refund,
    ("PAY-DUP-01", "charged_twice"): refund_charge,
    ("PRD-PRC-01", None): make_price,
    ("USG-QTY-01", "not_billed"): bill_usage,
    ("USG-QTY-01", "billed_too_much"): credit_usage,
    ("USG-RATE-01", "charged_too_little"): bill_rating,
    ("USG-RATE-01", "charged_too_much"): credit_rating,
    ("INV-SCHD-01", "stale_draft"): finalize_draft,
    ("INV-STAT-01", "void_not_copied"): credit_void,
}
