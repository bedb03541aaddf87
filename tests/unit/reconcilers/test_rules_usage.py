"""Units that a meter counted against those that were billed."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

OVER = "cmp_usage__metered_vs_billing"
DAYS_3 = 72 * 3600


def used(key: str = "1", metered: int | str = 100, **values: Any) -> dict[str, Any]:
    """100 units at 2 cents, billed as counted."""
    usual = {
        "row_key": f"stripe:il_{key}", "entity": "usage", "metered_id": f"il_{key}",
        "billing_id": f"il_{key}", "has_metered": True, "has_billing": True, "legal_entity": "US",
        "currency": "USD", "period": "2026-06", "metered_amount_minor": int(Decimal(metered) * 2),
        "billing_amount_minor": 200, "metered_quantity": Decimal(metered), "billed_quantity": 100,
        "billed_rated_minor": 200, "line_count": 1, "billing_coverage_seconds": DAYS_3,
    }  # fmt: skip
    return usual | values


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (used(), []),
        (used(metered="100.9"), []),
        (used(metered="99.1"), []),
        (used(metered=101), [("not_billed", "101", "100", 2)]),
        (used(metered=99), [("billed_too_much", "99", "100", -2)]),
        (used(metered=200), [("not_billed", "200", "100", 200)]),
        (used(metered=0), [("billed_too_much", "0", "100", -200)]),
        (used(metered=200, excluded_reason="nothing_metered"), []),
    ],
)
def test_units_that_differ_are_told_at_the_price_of_their_line(row, found):
    drift = drift_in(OVER, row)
    assert drift.select("cause", "expected", "observed", "impact_minor").rows() == found
    assert set(drift["code"]) <= {"USG-QTY-01"}
    assert set(zip(drift["owner_system"], drift["owner_id"], strict=True)) <= {("stripe", "il_1")}


@pytest.mark.parametrize(
    ("age", "disposition"), [(DAYS_3 - 1, "in_flight"), (DAYS_3, "exception"), (None, "exception")]
)
def test_usage_may_be_told_three_days_late(age, disposition):
    drift = drift_in(OVER, used(metered=200, billing_coverage_seconds=age))
    assert drift["disposition"].to_list() == [disposition]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"metered_amount_minor": 201}, []),
        ({"metered_amount_minor": 202}, [("charged_too_little", "202", "200", 2)]),
        ({"metered_amount_minor": 198}, [("charged_too_much", "198", "200", -2)]),
        ({"metered_amount_minor": 202, "line_count": 2}, []),
        # a part of a unit: left out, charged, and at twice the price
        ({"metered_amount_minor": 203, "metered": "100.9", "billed_rated_minor": 200}, []),
        ({"metered_amount_minor": 200, "metered": "99.1", "billed_rated_minor": 203}, []),
        (
            {"metered_amount_minor": 101, "metered": "100.9", "billed_rated_minor": 100},
            [("charged_too_much", "101", "200", -99)],
        ),
        ({"metered_amount_minor": 300, "excluded_reason": "nothing_metered"}, []),
        ({"metered_amount_minor": None}, []),
    ],
)
def test_the_right_units_at_another_price_are_told_at_once(values, found):
    as_metered = {"billed_rated_minor": values.get("metered_amount_minor")}
    drift = drift_in(OVER, used(**as_metered | values | {"billing_coverage_seconds": 0}))
    assert drift.select("cause", "expected", "observed", "impact_minor").rows() == found
    assert set(drift["code"]) <= {"USG-RATE-01"}
    assert set(drift["disposition"]) <= {"exception"}
    assert set(zip(drift["owner_system"], drift["owner_id"], strict=True)) <= {("stripe", "il_1")}


@given(drawn=st.lists(st.integers(-(10**6), 10**6), max_size=8))
@settings(max_examples=examples(6), deadline=None)
def test_amounts_that_are_off_add_up_but_for_rounding(drawn):
    rows = [
        used(str(n), metered_amount_minor=200 + gap, billed_rated_minor=200 + gap)
        for n, gap in enumerate(drawn)
    ]
    told = [gap for gap in drawn if abs(gap) > 1]
    drift = drift_in(OVER, *rows)
    assert (drift.height, drift["impact_minor"].sum()) == (len(told), sum(told))


@given(drawn=st.lists(st.integers(0, 10**6), max_size=8))
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_what_was_used_and_not_billed(drawn):
    drift = drift_in(OVER, *(used(str(n), metered) for n, metered in enumerate(drawn)))
    assert drift["impact_minor"].sum() == sum(2 * metered - 200 for metered in drawn)
