"""Exchange differences of payments against what the stored rates give."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

OVER = "cmp_exchange_difference__rates_vs_ledger"


def payment(key: str = "7", **values: Any) -> dict[str, Any]:
    """A payment in pounds that gained 7.00 dollars, as posted."""
    usual = {
        "row_key": f"netsuite:{key}", "entity": "journal_entry", "erp_id": key, "rates_id": key,
        "ledger_id": key, "has_rates": True, "has_ledger": True, "legal_entity": "US",
        "currency": "USD", "period": "2026-06", "rates_amount_minor": 700,
        "ledger_amount_minor": 700, "payment_currency": "GBP", "application_count": 1,
    }  # fmt: skip
    return usual | values


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"ledger_amount_minor": 701}, []),
        ({"ledger_amount_minor": 699}, []),
        ({"ledger_amount_minor": 702}, [("other_rate", "700", "702", -2)]),
        ({"ledger_amount_minor": 698}, [("other_rate", "700", "698", 2)]),
        ({"ledger_amount_minor": 698, "application_count": 2}, []),
        ({"ledger_amount_minor": 0}, [("left_out", "700", "0", 700)]),
        ({"ledger_amount_minor": -700}, [("wrong_sign", "700", "-700", 1_400)]),
        (
            {"ledger_amount_minor": 500, "rates_amount_minor": -500},
            [("wrong_sign", "-500", "500", -1_000)],
        ),
        ({"ledger_amount_minor": 0, "excluded_reason": "not_applied_whole"}, []),
        ({"rates_amount_minor": None}, []),
    ],
)
def test_a_difference_that_the_rates_do_not_give_is_told_with_its_sign(values, found):
    drift = drift_in(OVER, payment(**values))
    assert drift.select("cause", "expected", "observed", "impact_minor").rows() == found
    assert set(drift["code"]) <= {"REV-FX-01"}
    assert set(drift["attribute"]) <= {"exchange_difference"}
    assert set(zip(drift["owner_system"], drift["owner_id"], strict=True)) <= {("netsuite", "7")}


@given(drawn=st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(-4, 4)), max_size=8))
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_what_the_books_leave_out(drawn):
    rows = [
        payment(str(n), rates_amount_minor=due, ledger_amount_minor=due - gap)
        for n, (due, gap) in enumerate(drawn)
    ]
    drift = drift_in(OVER, *rows)
    assert drift["impact_minor"].sum() == sum(gap for _, gap in drawn if abs(gap) > 1)
