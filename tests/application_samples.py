"""Payments and memos of the ERP that are applied otherwise than billing applied them."""

from typing import Any

from tests.drift_samples import drift_row

Rows = dict[str, list[dict[str, Any]]]


def misapplied_payment(payment: str = "8001", **values: Any) -> dict[str, Any]:
    return drift_row(
        "ch_1",
        "PAY-APPL-01",
        **{
            "entity": "payment_application",
            "comparison": "cmp_payment_application__billing_vs_erp",
            "row_key": "stripe:inpay_1",
            "attribute": "application",
            "expected": "in_2",
            "replica_id": payment,
            "cause": "other_invoice",
            **values,
        },
    )


def misapplied_memo(**values: Any) -> dict[str, Any]:
    return drift_row(
        "cn_1/in_2/invoice",
        "CRN-APPL-01",
        comparison="cmp_credit_note_application__billing_vs_erp",
        row_key="stripe:cn_1/in_2/invoice",
        **{"cause": "wrong_invoice", **values},
    )


def settled(document: str = "8001", **values: Any) -> dict[str, Any]:
    """A payment over 90.00 of customer 501 in June."""
    return {
        "row_key": "stripe:inpay_1", "object": "customerPayment", "is_banked": False, "document_id": document,
        "customer_id": "501", "currency": "GBP", "period_id": "2606", "voided": "F",
        "version": "v1", "available_minor": 9000, "is_deposited": False, **values,
    }  # fmt: skip


def part(invoice: str | None, held: int, wanted: int, **values: Any) -> dict[str, Any]:
    """What the payment takes off an invoice, and what of it billing says; 40.00 are open of it."""
    return {
        "document_id": "8001", "transaction_id": invoice, "invoice_id": f"in_{invoice}",
        "customer_id": "501" if invoice else None, "currency": "GBP" if invoice else None,
        "unpaid_minor": 4000, "held_minor": held, "wanted_minor": wanted, "is_guess": False,
        "is_billed": True, **values,
    }  # fmt: skip


def facts(*parts: dict[str, Any], **document: Any) -> Rows:
    """By default 60.00 are on another invoice than billing's, of which 40.00 are open."""
    given = parts or (part("7002", 0, 4000), part("7003", 6000, 0))
    return {"erp_settlements": [settled(**document)], "erp_applications": list(given)}


def apply(**amounts: str) -> dict[str, Any]:
    """The sublist, by invoice: `apply(i7002="40.00")`."""
    return {
        "apply": {
            "items": [
                {"doc": {"id": name[1:]}, "apply": True, "amount": amount}
                for name, amount in amounts.items()
            ]
        }
    }


def netted_payment(payment: str = "8001", **values: Any) -> dict[str, Any]:
    """A charge over 90.00 of which the ERP recorded 85.50: the fee was taken off."""
    return drift_row(
        "ch_1",
        "PAY-AMT-01",
        entity="payment",
        comparison="cmp_payment__billing_vs_erp",
        row_key="stripe:ch_1",
        replica_id=payment,
        attribute="amount",
        **{"expected": "9000", "impact_minor": -450, "cause": "fee_netted", **values},
    )


def netted_facts(*parts: dict[str, Any], **document: Any) -> Rows:
    """The payment pays an invoice of which the fee is left open."""
    given = parts or (part("7002", 8550, 9000, unpaid_minor=450),)
    known = {"row_key": "stripe:ch_1", "available_minor": 8550, **document}
    return {"erp_settlements": [settled(**known)], "erp_applications": list(given)}
