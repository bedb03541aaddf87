"""What a contract says of its term and of how it is billed, against what billing does."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

TERMS = "cmp_contract_term__crm_vs_billing"
TWO_DAYS = 48 * 3600


def term(**values: Any) -> dict[str, Any]:
    """A contract of 365.00 a month that billing executes as agreed."""
    same = {
        "currency": "USD",
        "legal_entity": "US",
        "billing_frequency": "monthly",
        "start_date": date(2026, 1, 1),
        "end_date": date(2026, 12, 31),
        "is_auto_renewed": True,
    }
    sides = {f"{role}_{name}": value for role in ("crm", "billing") for name, value in same.items()}
    rest = {
        "crm_amount_minor": 36_500,
        "start_date_days": 0,
        "end_date_days": 0,
        "is_over_on_one_side": False,
        "remaining_months": 7,
    }
    return paired("crm", "billing", "a", **sides | rest | values)


def test_terms_that_agree_do_not_drift():
    assert drift_in(TERMS, term()).is_empty()


@pytest.mark.parametrize(
    ("attribute", "values", "impact"),
    [
        ("start_date", {"billing_start_date": date(2026, 1, 11), "start_date_days": 10}, 12_000),
        ("start_date", {"billing_start_date": date(2025, 12, 22), "start_date_days": -10}, -12_000),
        ("end_date", {"billing_end_date": date(2026, 12, 30), "end_date_days": 1}, 1_200),
        ("end_date", {"billing_end_date": date(2027, 1, 1), "end_date_days": -1}, -1_200),
        ("billing_frequency", {"crm_billing_frequency": "annual"}, 36_500 * 11),
        ("billing_frequency", {"billing_billing_frequency": "quarterly"}, 36_500 * -2),
        ("billing_frequency", {"billing_billing_frequency": None}, 36_500),
        ("is_auto_renewed", {"billing_is_auto_renewed": False}, 36_500 * 12),
        ("is_auto_renewed", {"crm_is_auto_renewed": False}, 36_500 * -12),
        ("legal_entity", {"billing_legal_entity": "UK"}, 36_500 * 7),
        ("currency", {"crm_currency": "EUR"}, 36_500 * 7),
    ],
)
def test_each_term_is_valued_by_the_months_that_differ(attribute, values, impact):
    (drift,) = drift_in(TERMS, term(**values)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CON-TERM-01", attribute)
    assert (drift["owner_id"], drift["replica_id"]) == ("crm-a", "billing-a")
    assert drift["impact_minor"] == impact


@pytest.mark.parametrize(("is_over", "severity"), [(True, "S2"), (False, "S3")])
def test_an_end_that_passed_on_one_side_only_weighs_more(is_over, severity):
    row = term(billing_end_date=date(2027, 1, 1), end_date_days=-1, is_over_on_one_side=is_over)
    assert drift_in(TERMS, row)["severity"].to_list() == [severity]


@pytest.mark.parametrize(
    "values",
    [
        {"crm_start_date": None, "start_date_days": -365},
        {"crm_end_date": None, "billing_end_date": None},
        {"crm_is_auto_renewed": None, "billing_is_auto_renewed": False},
        {"excluded_reason": "other_contract", "billing_currency": "EUR"},
    ],
)
def test_what_only_one_side_says_is_not_compared(values):
    assert drift_in(TERMS, term(**values)).is_empty()


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")]
)
def test_billing_has_two_days_to_follow_the_paper(coverage, disposition):
    row = term(
        billing_coverage_seconds=coverage,
        billing_currency="EUR",
        billing_legal_entity="UK",
        billing_billing_frequency="annual",
        billing_start_date=date(2026, 1, 2),
        billing_end_date=date(2026, 12, 30),
        billing_is_auto_renewed=False,
    )
    drift = drift_in(TERMS, row)
    assert drift["attribute"].n_unique() == 6
    assert drift.select("disposition", "severity").unique().rows() == [(disposition, "S3")]


@given(days=st.integers(0, 4_000), monthly=st.integers(0, 10**8))
@settings(max_examples=examples(6), deadline=None)
def test_days_late_and_days_early_weigh_the_same(days, monthly):
    usual = {"crm_amount_minor": monthly, "billing_start_date": date(2025, 1, 1)}
    late = term(start_date_days=days, **usual)
    early = term(start_date_days=-days, row_key="b", **usual)
    impact = dict(drift_in(TERMS, late, early).select("row_key", "impact_minor").iter_rows())
    assert impact["a"] == -impact["b"] >= 0
