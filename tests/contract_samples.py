"""A contract that nothing bills, with its lines, and prices of billing."""

from datetime import date
from typing import Any

from tests.drift_samples import drift_row


def unbilled_contract(cause: str = "service_started") -> dict[str, Any]:
    return drift_row(
        "800A", "CON-MISS-01", row_key="salesforce:800A", owner_system="salesforce",
        owner_id="800A", replica_system=None, replica_id=None, cause=cause, expected="present",
    )  # fmt: skip


def contract(**values: Any) -> dict[str, Any]:
    usual = {
        "row_key": "salesforce:800A", "contract_id": "800A", "opportunity_id": "006A",
        "correlation_id": "q2c_006A", "legal_entity": "US", "currency": "USD",
        "billing_frequency": "monthly", "start_date": date(2026, 5, 31),
        "end_date": date(2027, 5, 30), "is_auto_renewed": True, "payment_terms_days": 30,
        "customer_id": "cus_1", "customer_count": 1, "as_of_date": date(2026, 6, 30),
    }  # fmt: skip
    return usual | values


def line(line_id: str = "a01", **values: Any) -> dict[str, Any]:
    usual = {
        "contract_id": "800A", "contract_line_id": line_id, "product_code": "SEAT", "quantity": 10,
        "mrr_minor": 9000, "discount_percent": "0.000000", "start_date": date(2026, 5, 31),
        "end_date": date(2027, 5, 30), "product_id": "prod_1",
    }  # fmt: skip
    return usual | values


def price(price_id: str, unit_amount: str | None, **values: Any) -> dict[str, Any]:
    usual = {
        "price_id": price_id, "product_id": "prod_1", "currency": "usd", "interval": "month",
        "interval_count": 1, "unit_amount": unit_amount, "is_open": True,
        "tax_behavior": "unspecified",
    }  # fmt: skip
    return usual | values
