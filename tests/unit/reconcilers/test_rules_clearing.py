"""Entries on a clearing account that nothing will ever clear."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in
from tests.effort import examples

OVER = "cmp_clearing_entry__within_erp"
FAULTS = ("payment_by_hand", "refund_by_hand", "deposit_by_hand", "journal_by_hand")


def entry(key: str = "7", **values: Any) -> dict[str, Any]:
    """A journal by hand that put 500.00 into clearing weeks ago."""
    usual = {
        "row_key": f"netsuite:{key}/1050", "entity": "journal_entry", "erp_id": key, "has_erp": True,
        "legal_entity": "US", "currency": "USD", "period": "2026-06", "erp_amount_minor": 50_000,
        "fault": "journal_by_hand", "clear_coverage_seconds": 10**6,
    }  # fmt: skip
    return usual | values


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("minor", "severity"), [(50_000, "S4"), (-50_000, "S4"), (100_000, "S3"), (-1_000_000, "S2")]
)
def test_an_entry_that_names_nothing_is_told_with_its_money(fault, minor, severity):
    (drift,) = drift_in(OVER, entry(fault=fault, erp_amount_minor=minor)).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == ("PYT-CLR-01", fault, severity)
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "7")
    assert (drift["impact_minor"], drift["disposition"]) == (-minor, "exception")


@pytest.mark.parametrize("values", [{"fault": None}, {"excluded_reason": "erp_voided"}])
def test_an_entry_of_the_provider_or_a_voided_one_is_no_finding(values):
    assert drift_in(OVER, entry(**values)).is_empty()


@pytest.mark.parametrize(("left", "disposition"), [(-1, "in_flight"), (0, "exception")])
def test_clearing_has_seven_days(left, disposition):
    drift = drift_in(OVER, entry(clear_coverage_seconds=left))
    assert drift["disposition"].to_list() == [disposition]


@given(drawn=st.lists(st.tuples(st.integers(-(10**6), 10**6), st.booleans()), max_size=6))
@settings(max_examples=examples(10), deadline=None)
def test_findings_add_up_to_what_nobody_identified(drawn):
    rows = [
        entry(str(n), erp_amount_minor=minor, fault=FAULTS[n % 4] if is_fault else None)
        for n, (minor, is_fault) in enumerate(drawn)
    ]
    drift = drift_in(OVER, *rows)
    assert drift["impact_minor"].sum() == -sum(minor for minor, is_fault in drawn if is_fault)
