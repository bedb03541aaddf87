"""Steps of ramps beside the phases of billing."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, paired
from tests.effort import examples

PHASES = "cmp_contract_phase__crm_vs_billing"
TWO_DAYS = 48 * 3600


def step(disagreement: str | None, **values: Any) -> dict[str, Any]:
    """A step to 365.00 a month for six months, where billing bills 265.00 now and plans 300.00."""
    usual = {
        "product_code": "SEAT",
        "disagreement": disagreement,
        "crm_amount_minor": 36_500,
        "billing_amount_minor": 30_000,
        "step_minor": 10_000,
        "start_days": 0,
        "remaining_months": 6,
        "crm_quantity": 12,
        "billing_quantity": 10,
        "crm_start_date": date(2026, 8, 1),
        "billing_start_date": date(2026, 8, 1),
    }
    return paired("crm", "billing", "a", **usual | values)


@pytest.mark.parametrize(
    ("cause", "values", "impact"),
    [
        ("missing", {"billing_start_date": None, "billing_amount_minor": 26_500}, 60_000),
        ("other_quantity", {}, 39_000),
        ("other_price", {"billing_amount_minor": 37_000}, -3_000),
        ("other_start", {"start_days": 73}, 24_000),
        ("other_start", {"start_days": -73}, -24_000),
        ("other_start", {"start_days": 73, "step_minor": -10_000}, -24_000),
        ("other_start", {"start_days": -73, "step_minor": -10_000}, 24_000),
    ],
)
def test_a_phase_is_worth_what_the_step_says_otherwise(cause, values, impact):
    (drift,) = drift_in(PHASES, step(cause, **values)).to_dicts()
    assert (drift["code"], drift["attribute"]) == ("CON-RAMP-01", "phase:SEAT")
    assert (drift["owner_id"], drift["replica_id"]) == ("crm-a", "billing-a")
    assert (drift["cause"], drift["impact_minor"]) == (cause, impact)


@pytest.mark.parametrize(
    ("starts", "observed"),
    [(None, "no phase"), (date(2026, 9, 1), "10 at 30000 from 2026-09-01")],
)
def test_what_billing_plans_is_said_beside_the_step(starts, observed):
    (drift,) = drift_in(PHASES, step("missing", billing_start_date=starts)).to_dicts()
    assert (drift["expected"], drift["observed"]) == ("12 at 36500 from 2026-08-01", observed)


@pytest.mark.parametrize("row", [step(None), step("missing", excluded_reason="begun")])
def test_steps_that_are_planned_or_have_begun_do_not_drift(row):
    assert drift_in(PHASES, row).is_empty()


@pytest.mark.parametrize(
    ("coverage", "disposition"), [(TWO_DAYS - 1, "in_flight"), (TWO_DAYS, "exception")]
)
def test_billing_has_two_days_to_plan_a_step(coverage, disposition):
    row = step("missing", billing_coverage_seconds=coverage)
    assert drift_in(PHASES, row)["disposition"].to_list() == [disposition]


@given(days=st.integers(1, 3_000), stepped=st.integers(1, 10**8))
@settings(max_examples=examples(6), deadline=None)
def test_a_step_that_is_late_costs_what_one_too_early_charges(days, stepped):
    late = step("other_start", start_days=days, step_minor=stepped)
    early = step("other_start", start_days=-days, step_minor=stepped, row_key="b")
    impact = dict(drift_in(PHASES, late, early).select("row_key", "impact_minor").iter_rows())
    assert impact["a"] == -impact["b"] >= 0
