"""Documents that people changed by hand, and closed periods that moved."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

BY_HAND = "cmp_journal_edit__within_erp"
CLOSED = "cmp_closed_journal__signed_vs_ledger"
DOCUMENT = {
    "row_key": "netsuite:7", "entity": "journal_entry", "erp_id": "7", "legal_entity": "US",
    "currency": "USD", "period": "2026-04",
}  # fmt: skip


def edited(**values: Any) -> dict[str, Any]:
    """A bookkeeper moved an invoice of 500.00 to the next month, which is open."""
    usual = {
        "has_erp": True, "erp_amount_minor": 50_000, "is_after_close": False,
        "attributes": "period", "old_values": "2604", "new_values": "2605",
    }  # fmt: skip
    return DOCUMENT | usual | values


def closed(key: str = "7", **values: Any) -> dict[str, Any]:
    """A document of 500.00 in a closed month, as it was signed."""
    usual = {
        "row_key": f"netsuite:{key}", "erp_id": key, "signed_id": key, "ledger_id": key,
        "has_signed": True, "has_ledger": True, "signed_amount_minor": 50_000,
        "ledger_amount_minor": 50_000, "is_edited": False, "is_moved": False, "change_minor": 0,
    }  # fmt: skip
    return DOCUMENT | usual | values


@pytest.mark.parametrize(
    ("values", "cause", "severity"),
    [
        ({}, "before_close", "S2"),
        ({"erp_amount_minor": 0}, "before_close", "S2"),
        ({"erp_amount_minor": 10_000_000}, "before_close", "S1"),
        ({"is_after_close": True}, "after_close", "S1"),
    ],
)
def test_an_edit_by_hand_is_told_with_both_values_and_graver_after_the_close(
    values, cause, severity
):
    (drift,) = drift_in(BY_HAND, edited(**values)).to_dicts()
    assert (drift["code"], drift["attribute"], drift["cause"]) == ("JE-EDIT-01", "edited", cause)
    assert (drift["expected"], drift["observed"]) == ("period: 2604", "period: 2605")
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "7")
    assert (drift["impact_minor"], drift["severity"]) == (
        values.get("erp_amount_minor", 50_000),
        severity,
    )
    assert drift["disposition"] == "exception"


@pytest.mark.parametrize("reason", ["put_back", "entered_by_people", None])
def test_what_was_put_back_or_is_the_work_of_people_is_no_finding(reason):
    nothing = {"attributes": None, "old_values": None, "new_values": None}
    values = {} if reason == "entered_by_people" else nothing
    assert drift_in(BY_HAND, edited(excluded_reason=reason, **values)).is_empty()


LEFT = {"has_ledger": False, "ledger_id": None, "ledger_amount_minor": None}
LATE = {"has_signed": False, "signed_id": None, "signed_amount_minor": None}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"excluded_reason": "close_unknown", "is_edited": True}, []),
        (
            LATE | {"change_minor": 50_000},
            [("entered_late", "no document", "50000", 50_000)],
        ),
        (
            {"is_edited": True, "signed_amount_minor": 50_300, "change_minor": 300},
            [("edited_late", "50300", "50000", 300)],
        ),
        (
            LATE | {"change_minor": 50_000, "is_moved": True},
            [("moved_in", "no document", "50000", 50_000)],
        ),
        (
            LEFT | {"is_edited": True, "is_moved": True, "change_minor": 50_000},
            [("moved_out", "50000", "no document", 50_000)],
        ),
        # what went from one line to another leaves the total
        (
            {"is_edited": True, "change_minor": 120},
            [("edited_late", "50000", "50000", 120)],
        ),
    ],
)
def test_a_closed_period_is_told_by_what_came_late_and_what_moved(values, found):
    drift = drift_in(CLOSED, closed(**values))
    assert drift.select("cause", "expected", "observed", "impact_minor").rows() == found
    assert set(drift["severity"]) <= {"S1"}
    assert set(drift["code"]) <= {"JE-CLS-01"}


@given(drawn=st.lists(st.tuples(st.integers(0, 10**9), st.booleans(), st.booleans()), max_size=8))
@settings(max_examples=examples(10), deadline=None)
def test_findings_of_closed_periods_add_up_to_what_moved(drawn):
    rows = [
        closed(str(n), is_edited=is_edited, change_minor=minor, **(LATE if is_late else {}))
        for n, (minor, is_edited, is_late) in enumerate(drawn)
    ]
    moved = [minor for minor, is_edited, is_late in drawn if is_edited or is_late]
    drift = drift_in(CLOSED, *rows)
    assert (drift.height, drift["impact_minor"].sum()) == (len(moved), sum(moved))
