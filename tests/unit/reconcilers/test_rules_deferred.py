"""Deferred revenue against its plans: what moves it without one breaks the roll-forward."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

OVER = "cmp_deferred_entry__plans_vs_ledger"


def run(key: str = "7", **values: Any) -> dict[str, Any]:
    """A run that recognised 500.00, as planned."""
    usual = {
        "row_key": f"netsuite:{key}", "entity": "journal_entry", "erp_id": key, "plans_id": key,
        "ledger_id": key, "has_plans": True, "has_ledger": True, "legal_entity": "US",
        "currency": "USD", "period": "2026-06", "plans_amount_minor": -50_000,
        "ledger_amount_minor": -50_000, "movement": "recognition", "is_closed": False,
    }  # fmt: skip
    return usual | values


UNBOOKED = {"has_ledger": False, "ledger_id": None, "ledger_amount_minor": None}
PLUG = {"has_plans": False, "plans_id": None, "plans_amount_minor": None, "movement": "other"}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"ledger_amount_minor": -50_001}, []),
        ({"ledger_amount_minor": -49_999}, []),
        ({"ledger_amount_minor": -50_002}, [("run_differs", "-50000", "-50002", -2, "S2")]),
        ({"ledger_amount_minor": -49_998}, [("run_differs", "-50000", "-49998", 2, "S2")]),
        ({"ledger_amount_minor": 0, "excluded_reason": "months_differ"}, []),
        (PLUG, [("no_plan", "0", "-50000", -50_000, "S2")]),
        (PLUG | {"is_closed": True}, [("no_plan", "0", "-50000", -50_000, "S1")]),
        (PLUG | {"ledger_amount_minor": 9_000}, [("no_plan", "0", "9000", 9_000, "S2")]),
        (PLUG | {"excluded_reason": "duplicate"}, []),
        # a run that was booked without its line of deferred revenue
        (UNBOOKED, [("run_differs", "-50000", "0", 50_000, "S2")]),
    ],
)
def test_what_moves_deferred_revenue_beyond_its_plans_is_told_with_its_sign(values, found):
    drift = drift_in(OVER, run(**values))
    assert drift.select("cause", "expected", "observed", "impact_minor", "severity").rows() == found
    assert set(drift["code"]) <= {"REV-ROLL-01"}
    assert set(drift["owner_id"]) <= {"7"}
    assert set(drift["attribute"]) <= {"deferred"}


@given(drawn=st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(-4, 4)), max_size=8))
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_what_no_plan_explains(drawn):
    rows = [
        run(str(n), plans_amount_minor=planned, ledger_amount_minor=planned + gap)
        for n, (planned, gap) in enumerate(drawn)
    ]
    drift = drift_in(OVER, *rows)
    assert drift["impact_minor"].sum() == sum(gap for _, gap in drawn if abs(gap) > 1)
