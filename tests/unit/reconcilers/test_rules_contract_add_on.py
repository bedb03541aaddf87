"""Add-ons that should end with their contract."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

ADD_ONS = "cmp_contract_add_on__crm_vs_billing"
TWO_DAYS = 48 * 3600
BY_THE_CRM = ("salesforce", "crm-a", "stripe", "billing-a")


def add_on(**values: Any) -> dict[str, Any]:
    """An add-on of 365.00 a month that ends with its contract, in the contract's subscription."""
    usual = {
        "product_code": "SEAT",
        "crm_amount_minor": 36_500,
        "add_on_end_date": date(2026, 12, 31),
        "contract_end_date": date(2026, 12, 31),
        "end_days": 0,
        "other_subscription_id": None,
        "stub_days": 0,
    }
    return paired("crm", "billing", "a", **usual | values)


def sides(drift: dict[str, Any]) -> tuple[str, ...]:
    """Whose word counts, and whose copy is to follow."""
    return tuple(
        drift[name] for name in ("owner_system", "owner_id", "replica_system", "replica_id")
    )


@pytest.mark.parametrize(
    ("days", "ends", "cause", "impact"),
    [
        (1, date(2026, 12, 30), "ends_before", 1_200),
        (-1, date(2027, 1, 1), "ends_after", -1_200),
        (31, date(2026, 11, 30), "ends_before", 37_200),
    ],
)
def test_an_add_on_is_worth_the_days_between_the_two_ends(days, ends, cause, impact):
    (drift,) = drift_in(ADD_ONS, add_on(end_days=days, add_on_end_date=ends)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CON-COT-01", "end_date:SEAT")
    assert sides(drift) == BY_THE_CRM
    assert (drift["expected"], drift["observed"]) == ("2026-12-31", ends.isoformat())
    assert (drift["cause"], drift["impact_minor"], drift["severity"]) == (cause, impact, "S3")


def test_an_add_on_in_a_subscription_of_its_own_costs_the_days_between_the_anchors():
    (drift,) = drift_in(ADD_ONS, add_on(other_subscription_id="t", stub_days=10)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CON-COT-01", "subscription:SEAT")
    assert sides(drift) == BY_THE_CRM
    assert (drift["cause"], drift["impact_minor"]) == ("another_subscription", 12_000)
    assert (drift["observed"], drift["severity"]) == ("alone in t", "S3")


@pytest.mark.parametrize(
    "row",
    [
        add_on(),
        add_on(end_days=5, has_billing=False),
        add_on(end_days=5, excluded_reason="over"),
        add_on(other_subscription_id="t", excluded_reason="other_contract"),
    ],
)
def test_add_ons_that_end_as_agreed_do_not_drift(row):
    assert drift_in(ADD_ONS, row).is_empty()


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")]
)
def test_billing_has_two_days_to_take_up_an_add_on(coverage, disposition):
    row = add_on(end_days=3, other_subscription_id="t", billing_coverage_seconds=coverage)
    drift = drift_in(ADD_ONS, row)
    assert drift["disposition"].to_list() == [disposition] * 2


@given(days=st.integers(1, 3_000), monthly=st.integers(0, 10**8))
@settings(max_examples=examples(6), deadline=None)
def test_days_before_and_days_after_weigh_the_same(days, monthly):
    before = add_on(end_days=days, crm_amount_minor=monthly)
    after = add_on(end_days=-days, crm_amount_minor=monthly, row_key="b")
    impact = dict(drift_in(ADD_ONS, before, after).select("row_key", "impact_minor").iter_rows())
    assert impact["a"] == -impact["b"] >= 0
