"""Months of recurring revenue: each follows the one before by one movement that was decided."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in

OVER = "cmp_mrr_month__movements_vs_closing"


def month(key: str = "s", **values: Any) -> dict[str, Any]:
    """May of a subscription of 50.00 a month."""
    usual = {
        "row_key": f"stripe:{key}|2026-05", "entity": "mrr_month", "billing_id": key,
        "has_movements": True, "has_closing": True, "legal_entity": "US", "currency": "USD",
        "period": "2026-05", "movements_amount_minor": 5_000, "closing_amount_minor": 5_000,
        "opening_minor": 5_000, "movement": "none", "fault": None,
    }  # fmt: skip
    return usual | values


GONE = {"movements_amount_minor": 0, "closing_amount_minor": 0, "movement": "churn"}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        (GONE, []),
        (GONE | {"fault": "not_charged"}, [("not_charged", "5000", "0", 5_000)]),
        (
            {"fault": "does_not_add_up", "closing_amount_minor": 4_000},
            [("does_not_add_up", "5000", "4000", 1_000)],
        ),
        (
            {"fault": "does_not_add_up", "closing_amount_minor": 6_000},
            [("does_not_add_up", "5000", "6000", -1_000)],
        ),
        ({"fault": "month_missing"}, [("month_missing", "5000", "5000", 0)]),
        ({"fault": "not_one_class"}, [("not_one_class", "5000", "5000", 0)]),
    ],
)
def test_a_month_that_does_not_follow_is_told_by_its_fault(values, found):
    drift = drift_in(OVER, month(**values))
    assert drift.select("cause", "expected", "observed", "impact_minor").rows() == found
    assert set(drift["severity"]) <= {"S2"}
    assert set(drift["attribute"]) <= {"movement:2026-05"}
    assert set(zip(drift["owner_system"], drift["owner_id"], strict=True)) <= {("stripe", "s")}


@given(drawn=st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), max_size=8))
@settings(max_examples=10, deadline=None)
def test_findings_add_up_to_the_revenue_that_went_on(drawn):
    rows = [
        month(f"s{n}", **GONE, opening_minor=lost, fault="not_charged" if is_lost else None)
        for n, (lost, is_lost) in enumerate(drawn)
    ]
    drift = drift_in(OVER, *rows)
    assert drift["impact_minor"].sum() == sum(lost for lost, is_lost in drawn if is_lost)
