"""Contracts that one system renewed and the other did not."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

RENEWALS = "cmp_contract_renewal__crm_vs_billing"
TWO_DAYS = 48 * 3600


def renewal(disagreement: str | None, **values: Any) -> dict[str, Any]:
    """A contract of 3.00 a month that billing bills with 2.00, three months after its term."""
    usual = {
        "disagreement": disagreement,
        "crm_amount_minor": 300,
        "billing_amount_minor": 200,
        "crm_status": "expired",
        "billing_status": "active",
        "end_date": date(2026, 4, 30),
        "months_since_term_end": 3,
    }
    return paired("crm", "billing", "a", **usual | values)


@pytest.mark.parametrize(
    ("cause", "impact", "severity"),
    [
        ("billed_after_churn", -600, "S1"),
        ("renewed_in_billing_only", 600, "S4"),
        ("ended_in_billing", 900, "S2"),
        ("not_taken_up", 900, "S4"),
    ],
)
def test_a_renewal_of_one_side_is_worth_the_months_since_the_term(cause, impact, severity):
    (drift,) = drift_in(RENEWALS, renewal(cause)).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == ("CON-REN-01", "renewal", cause)
    assert (drift["owner_id"], drift["replica_id"]) == ("crm-a", "billing-a")
    assert (drift["impact_minor"], drift["severity"]) == (impact, severity)
    assert (drift["expected"], drift["observed"]) == ("expired until 2026-04-30", "active")


@pytest.mark.parametrize(
    "row", [renewal(None), renewal("not_taken_up", excluded_reason="not_begun")]
)
def test_a_renewal_that_both_know_or_that_has_not_begun_is_no_drift(row):
    assert drift_in(RENEWALS, row).is_empty()


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")]
)
def test_both_have_two_days_after_the_term(coverage, disposition):
    row = renewal("renewed_in_billing_only", crm_coverage_seconds=coverage)
    assert drift_in(RENEWALS, row)["disposition"].to_list() == [disposition]


@given(months=st.integers(1, 60), monthly=st.integers(1, 10**8))
@settings(max_examples=examples(6), deadline=None)
def test_each_month_weighs_as_much_as_the_first(months, monthly):
    same = {"crm_amount_minor": monthly, "billing_amount_minor": monthly}
    rows = [
        renewal(cause, row_key=cause, months_since_term_end=months, **same)
        for cause in ("billed_after_churn", "ended_in_billing")
    ]
    impact = dict(drift_in(RENEWALS, *rows).select("row_key", "impact_minor").iter_rows())
    assert impact == {"billed_after_churn": -months * monthly, "ended_in_billing": months * monthly}
