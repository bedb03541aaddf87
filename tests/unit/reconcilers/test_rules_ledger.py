"""Payments, postings and the controls of the readings themselves."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import declared_columns, drift_in, only, paired, snapshot
from tests.effort import examples

PAYMENT = "cmp_payment__billing_vs_erp"
JOURNAL = "cmp_journal_entry__within_erp"
CONTROL = "cmp_snapshot__source_vs_landed"
POSTING = "cmp_posting__event_vs_ledger"
LINE = "cmp_posting_line__mapping_vs_ledger"
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


def test_a_journal_that_stands_twice_is_told_at_once_for_the_copy():
    copy = posting(0, duplicate_of="8", duplicate_basis="signature", erp_coverage_seconds=0)
    (drift,) = drift_in(JOURNAL, copy).to_dicts()
    assert (drift["code"], drift["owner_id"], drift["cause"]) == ("JE-DUP-01", "9", "signature")
    assert (drift["observed"], drift["impact_minor"]) == ("copy of 8", -500)
    assert (drift["severity"], drift["disposition"]) == ("S1", "exception")


def test_a_copy_may_be_unbalanced_as_well():
    drift = drift_in(JOURNAL, posting(1, duplicate_of="8", duplicate_basis="signature"))
    assert drift["code"].to_list() == ["JE-BAL-01", "JE-DUP-01"]


def event(key: str = "a", **values: Any) -> dict[str, Any]:
    """An invoice of 100.00 whose journal stands in the period of its date."""
    usual = {
        "document": "invoice", "event_amount_minor": 10_000, "ledger_amount_minor": 10_000,
        "erp_id": f"erp-{key}", "period": "2026-06", "due_period": "2026-06",
    }  # fmt: skip
    row = paired("event", "ledger", key, **usual | values)
    return {name: value for name, value in row.items() if name in declared_columns()[POSTING]}


@pytest.mark.parametrize(
    ("values", "dispositions"),
    [
        ({}, []),
        ({"has_ledger": False}, ["exception"]),
        ({"has_ledger": False, "due_period": None}, ["exception"]),
        ({"has_ledger": False, "excluded_reason": "erp_voided"}, []),
        ({"has_ledger": False, "ledger_coverage_seconds": SIX_HOURS - 1}, ["in_flight"]),
        ({"has_ledger": False, "ledger_coverage_seconds": SIX_HOURS}, ["exception"]),
        # a journal that is gone was there already
        ({"has_ledger": False, "ledger_coverage_seconds": None}, ["exception"]),
    ],
)
def test_what_must_post_has_a_journal_after_six_hours(values, dispositions):
    assert drift_in(POSTING, event(**values))["disposition"].to_list() == dispositions


def test_an_event_without_a_journal_names_its_document():
    (drift,) = drift_in(
        POSTING, event(has_ledger=False, document="refund", event_amount_minor=-7)
    ).to_dicts()
    assert (drift["code"], drift["cause"], drift["severity"]) == ("JE-MISS-01", "refund", "S4")
    assert (drift["owner_system"], drift["owner_id"]) == ("netsuite", "erp-a")
    assert (drift["replica_id"], drift["impact_minor"]) == (None, -7)


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({"period": "2026-07"}, "S4"),
        ({"period": "2025-12"}, "S1"),
        ({"period": "2026-07", "ledger_coverage_seconds": 0}, "S4"),
        ({"due_period": None}, None),
        ({"period": "2026-07", "excluded_reason": "erp_voided"}, None),
        ({"period": "2026-07", "has_ledger": False, "ledger_coverage_seconds": 0}, None),
    ],
)
def test_a_posting_in_another_period_is_told_at_once_and_loudly_across_a_year(values, severity):
    drift = drift_in(POSTING, event(**values)).filter(code="JE-PER-01")
    assert drift["severity"].to_list() == ([severity] if severity else [])


def test_a_posting_in_another_period_names_both():
    (drift,) = drift_in(POSTING, event(period="2026-07", document="refund")).to_dicts()
    assert (drift["expected"], drift["observed"]) == ("2026-06", "2026-07")
    assert (drift["attribute"], drift["cause"]) == ("period", "refund")
    assert (drift["owner_id"], drift["impact_minor"]) == ("erp-a", 10_000)


def ledger_line(**values: Any) -> dict[str, Any]:
    """A line of 5.00 on the account of the mapping."""
    usual = {
        "erp_id": "7-1", "mapping_accounts": "1010 or 1050", "ledger_account": "1010",
        "mapping_amount_minor": 500, "ledger_amount_minor": 500, "is_allowed": True,
        "is_result_shifted": False, "is_mapped_account": True,
    }  # fmt: skip
    row = paired("mapping", "ledger", "a", **usual | values)
    return {name: value for name, value in row.items() if name in declared_columns()[LINE]}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"is_allowed": True}, []),
        ({}, [("of_another_event", "S4", "exception")]),
        ({"is_mapped_account": False}, [("unmapped_account", "S4", "exception")]),
        ({"is_mapped_account": None}, [("unmapped_account", "S4", "exception")]),
        ({"is_result_shifted": True}, [("result_shifted", "S3", "exception")]),
        ({"ledger_coverage_seconds": SIX_HOURS - 1}, [("of_another_event", "S4", "in_flight")]),
        ({"ledger_coverage_seconds": SIX_HOURS}, [("of_another_event", "S4", "exception")]),
        ({"excluded_reason": "not_mapped"}, []),
    ],
)
def test_a_line_on_another_account_says_what_kind_of_account_that_is(values, told):
    drift = drift_in(LINE, ledger_line(**{"is_allowed": False} | values))
    assert drift.select("cause", "severity", "disposition").rows() == told


def test_a_line_on_another_account_names_both_and_the_whole_amount():
    (drift,) = drift_in(LINE, ledger_line(is_allowed=False, ledger_account="1200")).to_dicts()
    assert (drift["code"], drift["attribute"], drift["owner_id"]) == ("JE-ACC-01", "account", "7-1")
    assert (drift["expected"], drift["observed"]) == ("1010 or 1050", "1200")
    assert drift["impact_minor"] == 500


@given(drawn=st.lists(st.tuples(st.booleans(), st.integers(-(10**9), 10**9)), max_size=8))
@settings(max_examples=examples(10), deadline=None)
def test_the_books_lack_just_what_is_not_posted(drawn):
    rows = [
        event(f"r{number}", has_ledger=is_posted, event_amount_minor=minor)
        for number, (is_posted, minor) in enumerate(drawn)
    ]
    drift = drift_in(POSTING, *rows)
    assert drift["impact_minor"].sum() == sum(minor for is_posted, minor in drawn if not is_posted)
    assert drift.height == sum(not is_posted for is_posted, _ in drawn)


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
    told = [("CTL-STALE-01", cause, "S2")] if cause else []
    assert drift.select("code", "cause", "severity").rows() == told
