"""Invoices that billing should have issued by now, and numbers that it skipped."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

OVER = "cmp_invoice__within_billing"
DAYS = 86_400


def scheduled(**values: Any) -> dict[str, Any]:
    """An invoice of 365.00 that is as it should be."""
    usual = {
        "row_key": "stripe:in_1", "entity": "invoice", "billing_id": "in_1", "has_billing": True,
        "legal_entity": "US", "currency": "USD", "period": "2026-06", "billing_amount_minor": 36_500,
        "billing_coverage_seconds": 10 * DAYS, "subscription_id": "sub_1", "number": "A-0008",
        "fault": None, "expected_minor": None, "skipped_count": 0, "is_month_over": False,
    }  # fmt: skip
    return usual | values


DRAFT = scheduled(fault="stale_draft", expected_minor=36_500, number=None, skipped_count=None)
GAP = scheduled(fault="number_gap", skipped_count=2, is_month_over=True)
MISSING = scheduled(
    fault="not_invoiced", expected_minor=36_500, billing_id=None, has_billing=False, number=None
)


@pytest.mark.parametrize(
    ("row", "owner", "observed", "impact", "severity"),
    [
        (DRAFT, "in_1", "draft", 80, "S4"),
        (DRAFT | {"is_month_over": True}, "in_1", "draft", 36_500, "S4"),
        (DRAFT | {"billing_coverage_seconds": 10 * DAYS - 1}, "in_1", "draft", 72, "S4"),
        (
            DRAFT | {"expected_minor": 400_000, "is_month_over": True},
            "in_1",
            "draft",
            400_000,
            "S3",
        ),
        (MISSING, "sub_1", "missing", 80, "S4"),
        (MISSING | {"is_month_over": True}, "sub_1", "missing", 36_500, "S4"),
        (GAP, "in_1", "2 skipped before A-0008", 0, "S3"),
    ],
)
def test_what_is_not_issued_costs_interest_and_all_of_it_once_the_month_is_over(
    row, owner, observed, impact, severity
):
    (drift,) = drift_in(OVER, row).to_dicts()
    assert (drift["code"], drift["cause"]) == ("INV-SCHD-01", row["fault"])
    assert (drift["owner_system"], drift["owner_id"]) == ("stripe", owner)
    assert (drift["observed"], drift["impact_minor"]) == (observed, impact)
    assert (drift["severity"], drift["disposition"]) == (severity, "exception")


def test_an_invoice_that_is_as_it_should_be_is_no_finding():
    assert drift_in(OVER, scheduled()).is_empty()


@pytest.mark.parametrize("row", [DRAFT, GAP, MISSING])
@pytest.mark.parametrize(("left", "disposition"), [(-1, "in_flight"), (0, "exception")])
def test_nothing_is_late_before_its_grace_is_over(row, left, disposition):
    drift = drift_in(OVER, row | {"billing_coverage_seconds": left})
    assert drift["disposition"].to_list() == [disposition]


@given(minor=st.integers(1, 10**9), days=st.integers(0, 400), is_over=st.booleans())
@settings(max_examples=examples(10), deadline=None)
def test_a_delay_never_costs_more_than_what_is_late_and_the_month_costs_all(minor, days, is_over):
    late = {"expected_minor": minor, "billing_coverage_seconds": days * DAYS}
    (impact,) = drift_in(OVER, DRAFT | late | {"is_month_over": is_over})["impact_minor"]
    assert 0 <= impact <= minor
    assert impact == minor or not is_over
