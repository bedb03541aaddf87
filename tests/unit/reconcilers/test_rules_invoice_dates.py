"""Invoices whose number, date or due date is another one in the ledger."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison_tables import drift_in, invoice
from tests.effort import examples

OVER = "cmp_invoice__billing_vs_erp"
SIX_HOURS = 6 * 3600
JUNE_15 = date(2026, 6, 15)


def dated(day: date, **values):
    """An invoice of 15 June that the ledger dates otherwise."""
    days = (day - JUNE_15).days
    return invoice("a", erp_invoice_date=day, invoice_date_days=days, **values)


def due(days: int, **values):
    """An invoice that is due 15 July in billing and so many days later in the ledger."""
    later = date(2026, 7, 15) + timedelta(days=days)
    return invoice("a", erp_due_date=later, due_date_days=days, **values)


def found(row):
    return (
        drift_in(OVER, row).select("code", "attribute", "cause", "impact_minor", "severity").rows()
    )


@pytest.mark.parametrize(
    ("day", "cause", "impact", "severity"),
    [
        (date(2026, 6, 16), "other_day", 2, "S4"),  # 10,000 due, a day at 8 % a year
        (date(2026, 6, 30), "other_day", 33, "S4"),
        (date(2026, 7, 1), "other_month", 10_000, "S2"),
        (date(2026, 5, 31), "other_month", -10_000, "S2"),
        (date(2025, 6, 15), "other_month", -10_000, "S2"),
        (JUNE_15, None, None, None),
    ],
)
def test_an_invoice_date_may_not_differ_by_a_day(day, cause, impact, severity):
    expected = [("INV-DATE-01", "invoice_date", cause, impact, severity)] if cause else []
    assert found(dated(day)) == expected


def test_a_date_by_utc_is_told_as_such_and_weighed_as_any_other():
    row = dated(date(2026, 6, 14), is_erp_date_of_utc=True)
    assert found(row) == [("INV-DATE-01", "invoice_date", "tz_boundary", -2, "S4")]


@pytest.mark.parametrize(
    ("days", "impact"), [(30, 66), (-30, -66), (1, 2), (-1, -2), (365, 800), (0, None)]
)
def test_a_due_date_costs_the_interest_of_its_days(days, impact):
    expected = [("INV-DATE-01", "due_date", "other_terms", impact, "S4")] if impact else []
    assert found(due(days)) == expected


def test_a_due_date_that_went_along_with_the_invoice_date_follows_from_it():
    row = due(3, erp_invoice_date=date(2026, 6, 18), invoice_date_days=3)
    causes = {attribute: cause for _, attribute, cause, *_ in found(row)}
    assert causes == {"invoice_date": "other_day", "due_date": "follows_invoice_date"}


def test_another_number_costs_nothing():
    row = invoice("a", erp_number="AR-7")
    assert found(row) == [("INV-DATE-01", "number", "renumbered", 0, "S4")]


def test_a_settled_invoice_costs_no_interest_but_stands_in_the_wrong_month_all_the_same():
    paid = {"billing_amount_due_minor": 0}
    assert found(due(30, **paid)) == [("INV-DATE-01", "due_date", "other_terms", 0, "S4")]
    assert found(dated(date(2026, 7, 1), **paid))[0][3] == 10_000


def test_an_invoice_that_billing_gives_no_due_date_is_not_compared_by_it():
    assert found(invoice("a", billing_due_date=None, due_date_days=None)) == []


def test_a_due_date_that_the_ledger_lacks_is_another_one():
    row = invoice("a", erp_due_date=None, due_date_days=None)
    assert found(row) == [("INV-DATE-01", "due_date", "other_terms", 0, "S4")]


@pytest.mark.parametrize("side", ["billing", "erp"])
def test_dates_and_numbers_of_void_invoices_are_not_compared(side):
    row = dated(date(2026, 7, 1), erp_number="N-a-VOID", **{f"{side}_status": "void"})
    assert {code for code, *_ in found(row)} == {"INV-STAT-01"}


def test_dates_are_in_flight_until_the_ledger_had_six_hours():
    row = dated(date(2026, 6, 16), erp_coverage_seconds=SIX_HOURS - 1)
    assert drift_in(OVER, row)["disposition"].to_list() == ["in_flight"]


@given(days=st.integers(-400, 400), minor=st.integers(0, 10**12))
@settings(max_examples=examples(10), deadline=None)
def test_earlier_and_later_due_dates_cost_the_same_with_opposite_signs(days, minor):
    there, back = (
        drift_in(OVER, due(each, billing_amount_due_minor=minor))["impact_minor"].to_list()
        for each in (days, -days)
    )
    assert there == [-impact for impact in back]
    assert all(abs(abs(impact) * 36_500 - minor * abs(days) * 8) <= 18_250 for impact in there)
