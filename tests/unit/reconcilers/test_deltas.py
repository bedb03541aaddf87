"""The parts of a gap add up to the impact, whichever way a class counts it."""

import pytest

from reconcilers.deltas import decompose
from tests.comparison_tables import DELTA_PARTS, drift_in, invoice, warehouse

INVOICES = "cmp_invoice__billing_vs_erp"


def parts(*rows, key="a", over=INVOICES):
    return [
        {"comparison": over, "row_key": key, "part": part, "amount_minor": minor}
        for part, minor in rows
    ]


def finding(impact, code="INV-AMT-01"):
    row = invoice("a", erp_total_minor=9_000, erp_amount_minor=9_000)
    drift = drift_in(INVOICES, row)
    return drift.with_columns(code=drift["code"].replace("INV-AMT-01", code), impact_minor=impact)


def decomposed(drift, *rows):
    con = warehouse({DELTA_PARTS: parts(*rows)}, views=[INVOICES])
    return decompose(con, drift).select("part", "amount_minor").rows()


@pytest.mark.parametrize(("impact", "sign"), [(1_000, 1), (-1_000, -1)])
def test_parts_have_the_sign_of_the_impact(impact, sign):
    found = decomposed(finding(impact), ("tax", 900), ("rounding", 100))
    assert found == [("rounding", 100 * sign), ("tax", 900 * sign)]


def test_what_is_not_the_gap_of_the_two_amounts_has_no_parts():
    assert decomposed(finding(400), ("tax", 1_000)) == []


def test_another_class_on_the_row_has_no_parts():
    assert decomposed(finding(1_000, "INV-DATE-01"), ("tax", 1_000)) == []


def test_parts_of_another_row_are_not_taken():
    con = warehouse({DELTA_PARTS: parts(("tax", 1_000), key="b")}, views=[INVOICES])
    assert decompose(con, finding(1_000)).is_empty()
