"""Refunds and payouts of billing that the ERP does not have as they were."""

from datetime import date
from typing import Any

from tests.drift_samples import drift_row


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
        "memo_currency": "GBP", "unpaid": "-30", "open_minor": 3000,
        "is_of_payment": False, "total": "-30", **values,
    }  # fmt: skip


def missing_deposit(**values: Any) -> dict[str, Any]:
    """A payout of 85.50, over a payment of 90.00 less a fee of 4.50, that the ERP did not deposit."""
    return drift_row(
        "po_1",
        "PYT-DEP-01",
        comparison="cmp_payout__billing_vs_erp",
        impact_minor=8550,
        **{"cause": "not_deposited", **values},
    )


def payout(**values: Any) -> dict[str, Any]:
    return {
        "payout_id": "po_1", "currency": "GBP", "arrival_date": date(2026, 6, 28),
        "amount_minor": 8550, "is_reconciled": True, "net_minor": 8550, "fee_minor": 450,
    } | values  # fmt: skip


def member(**values: Any) -> dict[str, Any]:
    return {
        "payout_id": "po_1", "balance_transaction_id": "txn_1", "source_kind": "payment",
        "source_id": "ch_1", "gross_minor": 9000, "transaction_id": "7201", "currency": "GBP",
        "amount_minor": 9000, "total": "90", "subsidiary_id": "2", "account_id": "105",
        "is_deposited": False, **values,
    }  # fmt: skip


def deposit_facts(*members: dict[str, Any], **values: Any) -> dict[str, list[dict[str, Any]]]:
    """What the plan of a deposit asks for: the books know bank and fees too."""
    accounts = [
        {"account_id": i, "number": n, "account_type": t, "is_inactive": "F"}
        for i, n, t in (
            ("101", "1010", "Bank"),
            ("105", "1050", "Bank"),
            ("650", "6500", "Expense"),
        )
    ]
    chart = [
        {"product_family": "*", "legal_entity": "UK", "event_type": e, "number": n}
        for e, n in (
            ("payment_bank", "1010"), ("payment_clearing", "1050"), ("payment_fee", "6500"),
        )
    ]  # fmt: skip
    return {
        "billing_payouts": [payout(**values)],
        "payout_members": list(members or (member(),)),
        "erp_accounts": accounts,
        "ledger_accounts": chart,
    }
