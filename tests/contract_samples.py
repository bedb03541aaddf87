"""A contract that nothing bills, with its lines, and prices of billing."""

from datetime import date
from typing import Any

from extractors.sandbox.ids import salesforce_id
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


def other_end(**values: Any) -> dict[str, Any]:
    """A line that was sold to end with its contract, and ends before it."""
    line_id = salesforce_id("Contract_Line__c", 1)
    return drift_row(
        line_id, "CON-COT-01", row_key=f"salesforce:{line_id}", owner_system="salesforce",
        comparison="cmp_contract_add_on__crm_vs_billing", owner_id=line_id,
        replica_system="stripe", replica_id="sub_1", attribute="end_date:SEAT",
        **{"cause": "ends_before", "expected": "2027-05-30", "observed": "2027-05-01"} | values,
    )  # fmt: skip


def co_term(**values: Any) -> dict[str, Any]:
    line_id = salesforce_id("Contract_Line__c", 1)
    usual = {
        "row_key": f"salesforce:{line_id}", "line_id": line_id, "start_date": date(2026, 5, 31),
        "end_date": "2027-05-01", "as_of_date": date(2026, 6, 30),
        "contract_id": salesforce_id("Contract", 1), "contract_end_date": date(2027, 5, 30),
        "lines_beside": 0, "changed_side": None, "subscription_id": "sub_1", "cancel_at": None,
        "schedule_id": None, "phases": None, "runs_since": None, "planned_end_date": None,
        "time_zone": "Europe/London", "version": "v1",
    }  # fmt: skip
    return usual | values
