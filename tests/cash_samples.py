"""Refunds and payouts of billing that the ERP does not have as they were."""

from datetime import date
from typing import Any

from tests.correction_samples import drift_row


def missing_refund(**values: Any) -> dict[str, Any]:
    """A refund over 30.00, out of credit note cn_1, that the ERP never got."""
    return drift_row(
        "re_1",
        "RFD-MISS-01",
        comparison="cmp_refund__billing_vs_erp",
        impact_minor=-3000,
        **{"cause": "not_posted", **values},
    )


def refund(**values: Any) -> dict[str, Any]:
    return {
        "refund_id": "re_1", "payment_id": "ch_1", "credit_note_id": "cn_1", "legal_entity": "UK",
        "currency": "GBP", "refund_date": date(2026, 6, 21), "amount_minor": 3000,
        "transaction_id": "7301", "customer_id": "501", "is_customer_inactive": "F",
        "memo_currency": "GBP", "unpaid": "-30", "open_minor": 3000, **values,
    }  # fmt: skip
