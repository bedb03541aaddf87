"""Subscription items that bill a contract line once more."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

ITEMS = "cmp_subscription_item__within_billing"


def item(key: str = "a", **values: Any) -> dict[str, Any]:
    """An item of 100.00 a month that bills its line alone."""
    usual = {
        "row_key": f"stripe:{key}", "entity": "subscription_item", "canonical_id": "cus_1",
        "billing_id": key, "has_billing": True, "currency": "USD", "billing_amount_minor": 10_000,
        "subscription_id": "sub_1", "product_code": "SEAT", "quantity": 5, "kept_id": None,
        "is_of_another_subscription": False, "charged_minor": 0, "remaining_months": 0,
    }  # fmt: skip
    return usual | values


@pytest.mark.parametrize(
    ("charged", "months", "impact"), [(20_000, 7, -90_000), (0, 7, -70_000), (20_000, 0, -20_000)]
)
def test_a_copy_costs_what_it_was_charged_and_will_be(charged, months, impact):
    row = item("b", kept_id="a", charged_minor=charged, remaining_months=months)
    (drift,) = drift_in(ITEMS, item(), row).to_dicts()
    assert (drift["code"], drift["owner_id"], drift["replica_id"]) == ("SUB-DUP-01", "a", "b")
    assert (drift["owner_role"], drift["replica_system"]) == ("billing", "stripe")
    assert (drift["impact_minor"], drift["severity"]) == (impact, "S1")
    assert (drift["cause"], drift["disposition"]) == ("same_subscription", "exception")


def test_a_copy_in_another_subscription_names_it():
    row = item("b", kept_id="a", subscription_id="sub_2", is_of_another_subscription=True)
    (drift,) = drift_in(ITEMS, item(), row).to_dicts()
    assert (drift["cause"], drift["observed"]) == ("another_subscription", "again in sub_2")


@pytest.mark.parametrize("reason", ["not_live", "ends_with_period", "no_contract_line"])
def test_items_that_are_not_billed_for_a_line_again_do_not_drift(reason):
    assert drift_in(ITEMS, item(kept_id="b", excluded_reason=reason)).is_empty()


@given(
    charged=st.integers(0, 10**9),
    monthly=st.integers(0, 10**6) | st.none(),
    months=st.integers(0, 60) | st.none(),
)
@settings(max_examples=examples(10), deadline=None)
def test_a_copy_never_counts_as_money_that_we_lose(charged, monthly, months):
    row = item(
        "b",
        kept_id="a",
        charged_minor=charged,
        billing_amount_minor=monthly,
        remaining_months=months,
    )
    (drift,) = drift_in(ITEMS, row).to_dicts()
    assert drift["impact_minor"] == -(charged + (monthly or 0) * (months or 0))
