"""List prices, and prices that stand on another basis."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, only, paired
from tests.effort import examples

PRICES = "cmp_price__crm_vs_billing"
LINES = "cmp_contract_line__crm_vs_billing"


def listed(**values: Any) -> dict[str, Any]:
    """An entry of the price book that billing sells at the same price."""
    same = {"product_code": "SEAT", "crm_list_price": "5900", "billing_list_price": "5900"}
    rest = {"is_equal": True, "price_ratio": None, "live_quantity": 0, "monthly_gap_minor": 0}
    return paired("crm", "billing", "a", **same | rest | values)


def line(**values: Any) -> dict[str, Any]:
    """A line of 10 units at 59.00, with half a year left."""
    usual = {
        "product_code": "SEAT", "crm_quantity": 10, "billing_quantity": 10, "line_count": 1,
        "crm_mrr_at_contract_quantity_minor": 59_000, "remaining_months": 6,
        "billing_mrr_at_contract_quantity_minor": 59_000, "price_ratio": None,
    }  # fmt: skip
    return paired("crm", "billing", "a", **usual | values)


@pytest.mark.parametrize(
    ("ratio", "code", "severity"),
    [(None, "PRD-PRC-01", "S3"), ("times_12", "PRD-BAS-01", "S1")],
)
@pytest.mark.parametrize("gap", [300, -300])
def test_a_list_price_is_valued_by_a_year_of_live_units(ratio, code, severity, gap):
    row = listed(
        is_equal=False, billing_list_price="5600", price_ratio=ratio, monthly_gap_minor=gap
    )
    (drift,) = drift_in(PRICES, row).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == (code, "list_price", ratio)
    assert (drift["owner_id"], drift["replica_id"]) == ("crm-a", "billing-a")
    assert (drift["expected"], drift["observed"]) == ("5900", "5600")
    assert (drift["impact_minor"], drift["severity"]) == (gap * 12, severity)


@pytest.mark.parametrize(
    "row",
    [
        listed(),
        listed(is_equal=None),
        only("crm", "billing", "a", is_equal=False, excluded_reason="not_in_billing"),
    ],
)
def test_prices_that_are_the_same_or_not_sold_do_not_drift(row):
    assert drift_in(PRICES, row).is_empty()


@pytest.mark.parametrize(("billed", "impact"), [(708_000, -3_894_000), (590, 350_460)])
def test_a_line_on_another_basis_is_valued_over_the_months_left(billed, impact):
    row = line(billing_mrr_at_contract_quantity_minor=billed, price_ratio="over_12")
    drift = drift_in(LINES, row)
    assert drift["code"].to_list() == ["CON-AMT-01", "PRD-BAS-01"]
    slip = drift.to_dicts()[1]
    assert (slip["attribute"], slip["cause"]) == ("unit_mrr:SEAT", "over_12")
    assert (slip["owner_id"], slip["replica_id"]) == ("crm-a", "billing-a")
    assert (slip["impact_minor"], slip["severity"]) == (impact, "S1")


def test_a_price_that_only_differs_is_no_slip():
    row = line(billing_mrr_at_contract_quantity_minor=1)
    assert drift_in(LINES, row)["code"].to_list() == ["CON-AMT-01"]


@given(agreed=st.integers(0, 10**9), charged=st.integers(0, 10**9), months=st.integers(0, 60))
@settings(max_examples=examples(6), deadline=None)
def test_a_slip_weighs_as_much_as_the_value_that_follows_from_it(agreed, charged, months):
    row = line(
        crm_mrr_at_contract_quantity_minor=agreed,
        billing_mrr_at_contract_quantity_minor=charged,
        remaining_months=months,
        price_ratio="times_3",
    )
    weights = set(drift_in(LINES, row)["impact_minor"])
    assert weights == {(agreed - charged) * months}
