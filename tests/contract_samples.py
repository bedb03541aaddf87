"""A contract that nothing bills, with its lines, and prices of billing."""

import json
from datetime import UTC, date, datetime
from typing import Any

from extractors.sandbox.ids import salesforce_id
from tests.drift_samples import drift_row

LINE_ID = salesforce_id("Contract_Line__c", 1)
DAY = 86_400
# A night in a period of the contract's subscription, which ends later than that of the add-on.
SINCE = int(datetime(2026, 5, 17, 12, tzinfo=UTC).timestamp())
UNTIL, PAID_UNTIL = SINCE + 30 * DAY, SINCE + 25 * DAY
READ_AT = int(datetime(2026, 6, 2, 2, tzinfo=UTC).timestamp())


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
    usual = {
        "row_key": f"salesforce:{LINE_ID}", "owner_system": "salesforce", "owner_id": LINE_ID,
        "replica_system": "stripe", "replica_id": "sub_1", "attribute": "end_date:SEAT",
        "cause": "ends_before", "expected": "2027-05-30", "observed": "2027-05-01",
    }  # fmt: skip
    over = "cmp_contract_add_on__crm_vs_billing"
    return drift_row(LINE_ID, "CON-COT-01", comparison=over, **usual | values)


def co_term(**values: Any) -> dict[str, Any]:
    usual = {
        "row_key": f"salesforce:{LINE_ID}", "line_id": LINE_ID, "start_date": date(2026, 5, 31),
        "end_date": "2027-05-01", "as_of_date": date(2026, 6, 30),
        "contract_id": salesforce_id("Contract", 1), "contract_end_date": date(2027, 5, 30),
        "lines_beside": 0, "changed_side": None, "subscription_id": "sub_1", "cancel_at": None,
        "schedule_id": None, "phases": None, "runs_since": None, "planned_end_date": None,
        "time_zone": "Europe/London", "version": "v1",
    }  # fmt: skip
    return usual | values


def billed_apart(**values: Any) -> dict[str, Any]:
    """A line that was sold to end with its contract, and that a subscription bills alone."""
    usual = {
        "cause": "another_subscription", "attribute": "subscription:SEAT", "replica_id": "sub_2",
        "expected": "an item of the contract's subscription", "observed": "alone in sub_2",
    }  # fmt: skip
    return other_end(**usual | values)


def billing_item(item_id: str, until: int, **values: Any) -> dict[str, Any]:
    price = {
        "id": "price_2", "object": "price", "product": "prod_1", "currency": "usd", "active": True,
        "billing_scheme": "per_unit", "unit_amount": 3000, "unit_amount_decimal": "3000",
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
    }  # fmt: skip
    usual = {
        "id": item_id, "created": SINCE, "quantity": 5, "price": price, "discounts": [],
        "current_period_start": until - 30 * DAY, "current_period_end": until,
        "metadata": {"crm_contract_line_id": LINE_ID}, "tax_rates": [],
    }  # fmt: skip
    return usual | values


def add_on(**values: Any) -> dict[str, Any]:
    plain = {
        "status": "active", "customer_id": "cus_1", "currency": "usd", "schedule_id": None,
        "cancel_at": None, "ends_with_period": False, "discounts": None,
    }  # fmt: skip
    usual = {
        "row_key": f"salesforce:{LINE_ID}", "line_id": LINE_ID, "is_as_signed": True,
        "item_id": "si_9", "item_count": 1, "channel": "sales_led", "read_at": READ_AT,
        "subscription_id": "sub_2", **plain,
        "items": json.dumps([billing_item("si_9", PAID_UNTIL)]),
        "contract_subscription_id": "sub_1",
        **{f"contract_{name}": value for name, value in plain.items()},
        "contract_items": json.dumps([billing_item("si_1", UNTIL)]),
    }  # fmt: skip
    return usual | values
