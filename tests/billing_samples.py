"""Findings about documents of billing, and the facts under which each can be corrected."""

from collections.abc import Mapping
from typing import Any

from tests.correction_samples import drift_row

RECEIPT: Mapping[str, Any] = {
    "row_key": "netsuite:8875/7954",
    "payment_id": "8875",
    "copy_id": "7954",
    "voided": "F",
    "total": "200",
    "applied": "120",
    "parts": 1,
    "applied_minor": 12000,
    "status": "open",
    "remaining_minor": 12000,
    "version": "v1",
    "thread": "q2c_006A",
}


def untold_payment(**values: Any) -> dict[str, Any]:
    """ERP payment 8875 pays invoice in_1, which billing has open."""
    return drift_row(
        "8875",
        "PAY-OOB-01",
        comparison="cmp_payment_application__billing_vs_erp",
        row_key=RECEIPT["row_key"],
        owner_role="erp",
        owner_system="netsuite",
        replica_role="billing",
        replica_system="stripe",
        expected="paid out of band",
        observed="open",
        **{"replica_id": "in_1", "cause": "in_full", **values},
    )


DRAFT: Mapping[str, Any] = {
    "invoice_id": "in_5", "status": "draft", "total": 12000, "auto_advance": True, "version": "v1",
}  # fmt: skip


def stale_draft(**values: Any) -> dict[str, Any]:
    """Draft in_5 should have gone out by itself."""
    return drift_row(
        "in_5",
        "INV-SCHD-01",
        comparison="cmp_invoice__within_billing",
        replica_role=None,
        replica_system=None,
        expected="issued",
        observed="draft",
        **{"cause": "stale_draft", **values},
    )


def drafts(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that draft, with some values changed."""
    return {"stale_drafts": [{**DRAFT, **values}]}


REFUND: Mapping[str, Any] = {
    "refund_id": "re_1", "status": "succeeded", "amount_minor": 6000, "uncredited_minor": 5000,
    "invoice_id": "in_6", "invoice_status": "paid", "total_minor": 12000,
    "paid_credits_minor": 1000, "open_credits_minor": 2000, "thread": "q2c_006A",
}  # fmt: skip


def uncredited_refund(**values: Any) -> dict[str, Any]:
    """Refund re_1 of invoice in_6, which no credit note stands behind."""
    return drift_row(
        "re_1",
        "RFD-MISS-01",
        comparison="cmp_refund__billing_vs_erp",
        replica_role=None,
        replica_system=None,
        attribute="credit_note",
        impact_minor=-5000,
        **{"cause": "no_credit_note", **values},
    )


def refunds(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that refund, with some values changed."""
    return {"uncredited_refunds": [{**REFUND, **values}]}


def receipts(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that payment, with some values changed."""
    return {"bank_receipts": [{**RECEIPT, **values}]}
