"""Findings about documents of billing, and the facts under which each can be corrected."""

from collections.abc import Mapping
from typing import Any

from tests.drift_samples import drift_row

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
    "paid_credits_minor": 1000, "open_credits_minor": 2000, "refund_credits_minor": 1000,
    "payment_id": "ch_6", "charge_minor": 12000, "refunded_minor": 6000, "charge_count": 1,
    "refund_count": 1, "is_disputed": False, "is_paid_otherwise": False, "thread": "q2c_006A",
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


OVERCHARGE: Mapping[str, Any] = {
    "payment_id": "ch_2", "overcharged_minor": 12000, "amount_minor": 12000, "refunded_minor": 0,
    "invoice_id": "in_6", "invoice_total_minor": 12000,
    "earlier_id": "ch_1", "earlier_minor": 12000, "earlier_refunded_minor": 0,
    "charge_count": 2, "refund_count": 0, "paid_credits_minor": 0, "open_credits_minor": 0,
    "refund_credits_minor": 0, "is_disputed": False, "is_paid_otherwise": False,
}  # fmt: skip


def charged_twice(**values: Any) -> dict[str, Any]:
    """Charge ch_2 took invoice in_6, which ch_1 had paid."""
    return drift_row(
        "ch_2",
        "PAY-DUP-01",
        comparison="cmp_payment__billing_vs_erp",
        replica_role=None,
        replica_system=None,
        impact_minor=-12000,
        **{"cause": "charged_twice", **values},
    )


def overcharge(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that charge, with some values changed."""
    return {"overcharges": [{**OVERCHARGE, **values}]}


LISTED: Mapping[str, Any] = {
    "row_key": "salesforce:01u1", "offer_id": "price_1", "product_id": "prod_1",
    "currency": "gbp", "interval": "month", "interval_count": 1, "tax_behavior": None,
    "unit_amount": "5300.00000000", "tiers": None, "entry_version": "2026-01-10T08:00:00.000+0000",
}  # fmt: skip


def other_list_price(**values: Any) -> dict[str, Any]:
    """Entry 01u1 of the price book, beside price_1 of billing."""
    return drift_row(
        "01u1",
        "PRD-PRC-01",
        comparison="cmp_price__crm_vs_billing",
        row_key=LISTED["row_key"],
        owner_role="crm",
        owner_system="salesforce",
        replica_role="billing",
        replica_system="stripe",
        attribute="list_price",
        **{"replica_id": "price_1", "cause": None, **values},
    )


def listed(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that entry, with some values changed."""
    return {"list_prices": [{**LISTED, **values}]}


USED: Mapping[str, Any] = {
    "row_key": "stripe:il_7", "line_id": "il_7", "invoice_id": "in_1", "invoice_status": "open",
    "total_minor": 12000, "paid_credits_minor": 0, "open_credits_minor": 0,
    "customer_id": "cus_1", "subscription_id": "sub_1", "subscription_status": "active",
    "is_ending": False, "item_id": "si_7", "product_id": "prod_1", "currency": "gbp",
    "tax_behavior": "unspecified", "meter_id": "mtr_1",
    "starts": 1777593605, "ends": 1780272005, "metered_from": 1777593600,
    "metered_until": 1780272000, "metered_quantity": 1200, "is_whole": True,
    "billed_quantity": 1000, "rated_minor": 11500, "billed_minor": 10001,
    "billed_rated_minor": 10000, "line_count": 1, "discount_minor": 0, "tax_code": None,
    "payment_id": None, "charge_count": 0, "refund_count": 0, "refund_credits_minor": 0,
    "is_disputed": False, "is_paid_otherwise": False,
}  # fmt: skip
# The same month with what it bills and what its meter counts changed about, once it is paid.
OVERUSED: Mapping[str, Any] = {
    **USED, "invoice_status": "paid", "charge_count": 1, "payment_id": "ch_7",
    "metered_quantity": 1000, "rated_minor": 10000,
    "billed_quantity": 1200, "billed_minor": 11501, "billed_rated_minor": 11500,
}  # fmt: skip


def unbilled_usage(**values: Any) -> dict[str, Any]:
    """Line il_7 of invoice in_1 bills 1000 units of a May in which the meter counts 1200."""
    return drift_row(
        "il_7",
        "USG-QTY-01",
        comparison="cmp_usage__metered_vs_billing",
        replica_role=None,
        replica_system=None,
        attribute="quantity",
        **{
            "expected": "1200",
            "observed": "1000",
            "impact_minor": 1499,
            "cause": "not_billed",
            **values,
        },
    )


def used(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that period, with some values changed."""
    return {"used_periods": [{**USED, **values}]}


def overbilled_usage(**values: Any) -> dict[str, Any]:
    """Line il_7 of invoice in_1 bills 1200 units of a May in which the meter counts 1000."""
    told = {"expected": "1000", "observed": "1200", "impact_minor": -1501}
    return unbilled_usage(**{**told, "cause": "billed_too_much", **values})


def overused(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that period, with some values changed."""
    return {"used_periods": [{**OVERUSED, **values}]}


def charged_usage(rated_minor: int = 11500, billed_minor: int = 10001) -> dict[str, Any]:
    """Line il_7 of invoice in_1 bills the 1200 units that the meter counts, at another price."""
    gap = rated_minor - billed_minor
    return drift_row(
        "il_7",
        "USG-RATE-01",
        comparison="cmp_usage__metered_vs_billing",
        replica_role=None,
        replica_system=None,
        attribute="amount",
        expected=str(rated_minor),
        observed=str(billed_minor),
        impact_minor=gap,
        cause="charged_too_little" if gap > 0 else "charged_too_much",
    )


def charged(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The facts of that period, with some values changed."""
    return used(**{"billed_quantity": 1200, "billed_rated_minor": 11500, **values})


def overcharged(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """The same, charged beyond its price, once it is paid."""
    paid = {"invoice_status": "paid", "charge_count": 1, "payment_id": "ch_7"}
    return charged(**{**paid, "billed_minor": 12345, **values})
