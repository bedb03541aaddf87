"""Both sides of a row as people read them."""

import duckdb
import pytest

from reconcilers.sides import Compared, both_sides

EXPONENTS = {"EUR": 2, "JPY": 0}
NAME = "cmp_invoice__billing_vs_erp"


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as con:
        con.execute("create schema comparison")
        con.execute(
            f"""create table comparison.{NAME} as select * from (values
            ('a', 'JPY', true, true, 'in_1', '77', 1200, 1300::hugeint, 'Linden Games', 'Lime', null,
             'DE811', date '2026-06-30', false, 9),
            ('b', 'EUR', true, false, 'in_2', null, 1200, null, null, null, 'paid', null, null, null, 9)
            ) as t(row_key, currency, has_billing, has_erp, billing_id, erp_id, billing_amount_minor,
            erp_amount_minor, billing_legal_name, erp_legal_name, billing_status, erp_tax_id,
            invoice_date, is_erp_duplicate, erp_coverage_seconds)"""
        )
        yield con


def test_values_stand_side_by_side_with_their_money_and_no_name(con):
    shown = both_sides(con, NAME, "a", EXPONENTS)
    assert shown.sides == ("billing", "erp")
    assert {line.name: (line.values, line.differs) for line in shown.compared} == {
        "is there": (("yes", "yes"), False),
        "id": (("in_1", "77"), False),
        "amount": (("1,200 JPY", "1,300 JPY"), True),
        "legal name": (("L••• G•••", "L•••"), True),
        "tax id": (("", "•••11"), False),
        "is duplicate": (("", "no"), False),
    }
    assert shown.shared == (("currency", "JPY"), ("invoice date", "2026-06-30"))


def test_a_side_that_has_nothing_is_empty(con):
    shown = both_sides(con, NAME, "b", EXPONENTS)
    assert Compared("is there", ("yes", "no"), differs=True) in shown.compared
    assert Compared("amount", ("12.00 EUR", ""), differs=True) in shown.compared


def test_a_row_that_has_gone_or_a_comparison_that_is_none_shows_nothing(con):
    assert both_sides(con, NAME, "c", EXPONENTS) is None
    assert both_sides(con, "cmp_customer__crm_vs_erp", "a", EXPONENTS) is None
    assert both_sides(con, "cmp_nothing", "a", EXPONENTS) is None
