"""Customers below different parents in the CRM and in the ERP."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

PARENTS = "cmp_customer_parent__crm_vs_erp"
A_DAY = 24 * 3600


def customer(disagreement: str | None, **values: Any) -> dict[str, Any]:
    """A customer with 120.00 a year who owes 5.00."""
    usual = {
        "disagreement": disagreement,
        "crm_amount_minor": 12_000,
        "erp_amount_minor": 500,
        "crm_parent_customer_id": "c1",
        "erp_parent_customer_id": "c2",
    }
    return paired("crm", "erp", "a", **usual | values)


@pytest.mark.parametrize("cause", ["ring", "unknown_to_sales", "missing_in_erp", "other_parent"])
def test_all_that_counts_for_another_family_is_at_stake(cause):
    (drift,) = drift_in(PARENTS, customer(cause)).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == ("HIE-PAR-01", "parent", cause)
    assert (drift["owner_id"], drift["replica_id"]) == ("crm-a", "erp-a")
    assert (drift["expected"], drift["observed"]) == ("c1", "c2")
    assert (drift["impact_minor"], drift["severity"]) == (12_500, "S3")


def test_a_side_that_names_nobody_says_so():
    row = customer("missing_in_erp", erp_parent_customer_id=None)
    assert drift_in(PARENTS, row)["observed"].to_list() == ["none"]


@pytest.mark.parametrize(
    "row", [customer(None), customer("missing_in_erp", excluded_reason="parent_not_in_erp")]
)
def test_one_family_and_parents_without_a_place_are_no_drift(row):
    assert drift_in(PARENTS, row).is_empty()


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(A_DAY - 1, "in_flight"), (A_DAY, "exception")]
)
def test_finance_has_a_day_to_follow_sales(coverage, disposition):
    row = customer("other_parent", erp_coverage_seconds=coverage)
    assert drift_in(PARENTS, row)["disposition"].to_list() == [disposition]


@given(yearly=st.integers(0, 10**9), owed=st.integers(0, 10**9))
@settings(max_examples=examples(6), deadline=None)
def test_what_is_owed_and_what_recurs_add_up(yearly, owed):
    row = customer("ring", crm_amount_minor=yearly, erp_amount_minor=owed)
    assert drift_in(PARENTS, row)["impact_minor"].to_list() == [yearly + owed]
