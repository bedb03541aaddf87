"""Recurring revenue: months that follow each other, and what the CRM shows of what was signed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

OVER = "cmp_mrr_month__movements_vs_closing"
SHOWN = "cmp_account_arr__crm_vs_contracts"


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
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_the_revenue_that_went_on(drawn):
    rows = [
        month(f"s{n}", **GONE, opening_minor=lost, fault="not_charged" if is_lost else None)
        for n, (lost, is_lost) in enumerate(drawn)
    ]
    drift = drift_in(OVER, *rows)
    assert drift["impact_minor"].sum() == sum(lost for lost, is_lost in drawn if is_lost)


def shown(key: str = "a", **values: Any) -> dict[str, Any]:
    """An account that shows the 600.00 a year that it signed a month ago."""
    usual = {
        "row_key": f"salesforce:{key}", "entity": "account_arr", "crm_id": key, "has_crm": True,
        "has_contracts": True, "legal_entity": "US", "currency": "USD", "crm_amount_minor": 60_000,
        "contracts_amount_minor": 60_000, "crm_coverage_seconds": 30 * 86_400, "line_count": 1,
        "is_of_another_currency": False,
    }  # fmt: skip
    return usual | values


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"crm_amount_minor": 60_001}, []),
        ({"crm_amount_minor": 60_002}, [("not_updated", "60000", "60002", -2)]),
        ({"crm_amount_minor": 60_002, "line_count": 2}, []),
        ({"crm_amount_minor": 50_000}, [("not_updated", "60000", "50000", 10_000)]),
        (
            {"crm_amount_minor": 66_000, "is_of_another_currency": True},
            [("other_currency", "60000", "66000", -6_000)],
        ),
        (
            {"contracts_amount_minor": 0, "line_count": 0, "crm_coverage_seconds": None},
            [("nothing_signed", "0", "60000", -60_000)],
        ),
        ({"crm_amount_minor": None}, [("not_filled", "60000", "missing", 60_000)]),
        ({"crm_amount_minor": None, "contracts_amount_minor": 0, "line_count": 0}, []),
        ({"crm_amount_minor": 9, "excluded_reason": "other_currencies"}, []),
    ],
)
def test_an_account_that_shows_other_revenue_than_it_signed_is_told(values, found):
    drift = drift_in(SHOWN, shown(**values))
    assert drift.select("cause", "expected", "observed", "impact_minor").rows() == found
    assert set(drift["attribute"]) <= {"arr"}
    assert set(zip(drift["owner_system"], drift["owner_id"], strict=True)) <= {("salesforce", "a")}


@pytest.mark.parametrize(("seconds", "told"), [(86_399, "in_flight"), (86_400, "exception")])
def test_the_crm_may_add_up_a_signature_for_a_day(seconds, told):
    drift = drift_in(SHOWN, shown(crm_amount_minor=1, crm_coverage_seconds=seconds))
    assert drift["disposition"].to_list() == [told]


@given(drawn=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=8))
@settings(max_examples=examples(6), deadline=None)
def test_findings_add_up_to_what_is_signed_and_not_shown(drawn):
    rows = [
        shown(f"a{n}", crm_amount_minor=shows, contracts_amount_minor=signed, line_count=0)
        for n, (shows, signed) in enumerate(drawn)
    ]
    drift = drift_in(SHOWN, *rows)
    assert drift["impact_minor"].sum() == sum(signed - shows for shows, signed in drawn)
