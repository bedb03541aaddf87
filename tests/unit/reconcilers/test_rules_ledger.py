"""Payments, postings and the controls of the readings themselves."""

from typing import Any

import pytest

from tests.comparison_tables import drift_in, only, paired, snapshot

PAYMENT = "cmp_payment__billing_vs_erp"
JOURNAL = "cmp_journal_entry__within_erp"
CONTROL = "cmp_snapshot__source_vs_landed"
SIX_HOURS = 6 * 3600


def posting(difference: int | None, **values: Any) -> dict[str, Any]:
    balance = {"debit_minor": 500, "credit_minor": 500 - (difference or 0)}
    lone = {
        "row_key": "a",
        "entity": "journal_entry",
        "erp_id": "9",
        "has_erp": True,
        "currency": "USD",
    }
    return lone | balance | {"difference_minor": difference, "journal_type": "journal"} | values


def test_a_charge_that_the_ledger_lacks_leaves_a_receivable_that_is_none():
    row = only("billing", "erp", "a", billing_amount_minor=9_900, currency="EUR")
    (drift,) = drift_in(PAYMENT, row).to_dicts()
    assert (drift["code"], drift["owner_system"], drift["owner_id"]) == (
        "PAY-MISS-01",
        "stripe",
        "billing-a",
    )
    assert (drift["impact_minor"], drift["impact_reporting_minor"]) == (-9_900, -10_692)
    assert (drift["severity"], drift["disposition"]) == ("S4", "exception")


@pytest.mark.parametrize(
    ("row", "dispositions"),
    [
        (paired("billing", "erp", "a"), []),
        (only("billing", "erp", "a", excluded_reason="not_settled"), []),
        (only("erp", "billing", "a", excluded_reason="bank_collected"), []),
        (only("billing", "erp", "a", erp_coverage_seconds=SIX_HOURS - 1), ["in_flight"]),
        (only("billing", "erp", "a", erp_coverage_seconds=SIX_HOURS), ["exception"]),
    ],
)
def test_only_succeeded_charges_of_some_age_must_be_in_the_ledger(row, dispositions):
    assert drift_in(PAYMENT, row)["disposition"].to_list() == dispositions


@pytest.mark.parametrize(
    ("difference", "drifts"), [(0, False), (1, True), (-1, True), (None, False)]
)
def test_a_posting_balances_to_the_last_minor_unit(difference, drifts):
    drift = drift_in(JOURNAL, posting(difference))
    assert drift["impact_minor"].to_list() == ([difference] if drifts else [])


def test_an_unbalanced_posting_is_told_at_once_with_its_transaction():
    (drift,) = drift_in(JOURNAL, posting(7, erp_coverage_seconds=0)).to_dicts()
    assert (drift["code"], drift["severity"], drift["disposition"]) == (
        "JE-BAL-01",
        "S2",
        "exception",
    )
    assert (drift["owner_system"], drift["owner_id"], drift["replica_id"]) == (
        "netsuite",
        "9",
        None,
    )
    assert (drift["expected"], drift["observed"], drift["cause"]) == ("500", "493", "journal")


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({}, None),
        ({"source_count": None, "difference": None}, None),
        ({"source_count": 12, "quarantined_count": 2}, None),
        ({"source_count": 12, "difference": 2}, "records_missing"),
        ({"source_count": 9, "difference": -1}, "records_surplus"),
    ],
)
def test_what_the_source_counts_must_have_landed(values, cause):
    drift = drift_in(CONTROL, snapshot("stripe", "product", **values))
    assert drift["cause"].to_list() == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("before", "after", "difference", "expected"),
    [(11, 13, 1, "11"), (13, 11, 1, "11"), (7, 9, -1, "9")],
)
def test_of_two_counts_of_the_source_the_nearer_is_expected(before, after, difference, expected):
    counts = {"source_count_before": before, "source_count": after, "difference": difference}
    (drift,) = drift_in(CONTROL, snapshot("stripe", "product", **counts)).to_dicts()
    assert (drift["expected"], drift["observed"]) == (expected, "10")


def test_a_broken_count_names_the_object_of_the_source():
    (drift,) = drift_in(
        CONTROL, snapshot("salesforce", "pricebook_entry", source_count=11, difference=1)
    ).to_dicts()
    assert (drift["code"], drift["severity"], drift["owner_role"]) == ("CTL-CNT-01", "S1", "crm")
    assert (drift["owner_system"], drift["owner_id"]) == ("salesforce", "pricebook_entry")
    assert (drift["replica_role"], drift["replica_system"], drift["replica_id"]) == (
        None,
        None,
        None,
    )
    assert (drift["expected"], drift["observed"], drift["impact_minor"]) == ("11", "10", 0)


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"staleness_seconds": SIX_HOURS}, None),
        ({"staleness_seconds": SIX_HOURS + 1}, "behind_the_others"),
        ({"covers_day": False}, "day_not_covered"),
        ({"covers_day": None}, "day_not_covered"),
        (
            {"staleness_seconds": None, "watermark_at": None, "covers_day": False},
            "behind_the_others",
        ),
    ],
)
def test_a_reading_is_stale_beyond_six_hours_or_short_of_the_day(values, cause):
    drift = drift_in(CONTROL, snapshot("netsuite", "item", **values))
    assert drift.select("code", "cause").rows() == ([("CTL-STALE-01", cause)] if cause else [])
