"""Who owns what: what rows of the matrix say together, and on which day."""

from collections.abc import Iterable
from datetime import date

import pytest

from reconcilers.matrix_file import MatrixError
from reconcilers.ownership import GOLDEN_HOLDERS, load_ownership, owned_on
from tests.comparison_tables import SEEDS
from tests.unit.reconcilers.test_matrix import TOTAL, file_of, mistakes_in

NAME = "customer,name,golden_only,,crm,billing,1,,text,,,,,OWN,,2020-01-01,,,because"
NAME_ERP = NAME.replace("billing,1", "erp,2")


def swapped(line: str, since: str) -> str:
    """The same pair with the parts of owner and copy changed."""
    return line.replace("crm,billing", "billing,crm").replace("2020-01-01", since)


def owners(rows: Iterable[object]) -> list[tuple[str, str]]:
    return [(row.owner, row.replica) for row in rows]


def test_the_shipped_matrix_covers_every_subject_of_finance():
    rows = load_ownership(SEEDS / "system_of_record.csv")
    assert {row.entity for row in rows} >= {
        *GOLDEN_HOLDERS, "customer_hierarchy", "opportunity", "usage", "dispute",
        "payout", "fx_rate", "journal_entry", "accounting_period", "mrr_month",
    }  # fmt: skip
    assert {row.conflict_rule for row in rows} == {
        "OWN",
        "PAPER",
        "LATEST",
        "UNION",
        "CALC",
        "FROZEN",
    }


def test_a_row_without_comparison_is_declared_with_what_is_missing(tmp_path):
    line = "refund,fee,not_extracted,,bank,,,,,,,,,OWN,,2020-01-01,,no bank is connected,because"
    (row,) = load_ownership(file_of(tmp_path, line))
    assert (row.status, row.missing, row.replica) == ("not_extracted", "no bank is connected", "")
    assert not row.is_chosen


@pytest.mark.parametrize(
    ("before", "after", "column"),
    [
        ("crm,billing", "tax_engine,billing", "owner"),
        ("crm,billing", "crm,bank", "replica"),
        ("customer,", "galaxy,", "owner"),
        ("crm,billing,1,", "canonical,billing,,", "conflict_rule"),
        (",OWN,", ",FROZEN,", "conflict_rule"),
        (",billing,1,", ",,1,", "fallback"),
        ("golden_only", "not_extracted", "missing"),
        ("golden_only", "not_extracted", "fallback"),
        ("golden_only", "canonical_only", "missing"),
    ],
)
def test_what_a_holder_cannot_hold_or_a_status_cannot_mean_is_refused(
    tmp_path, before, after, column
):
    assert (2, column) in mistakes_in(file_of(tmp_path, NAME.replace(before, after)))


def test_one_attribute_has_one_owner_and_one_rule_on_a_day(tmp_path):
    path = file_of(tmp_path, NAME, NAME.replace("crm,billing,1", "erp,crm,2"))
    assert mistakes_in(path) == [(3, "owner")]
    path = file_of(tmp_path, NAME, NAME_ERP.replace("OWN", "LATEST"))
    assert mistakes_in(path) == [(3, "conflict_rule")]


def test_two_holders_cannot_stand_in_at_the_same_place(tmp_path):
    path = file_of(tmp_path, NAME, NAME_ERP.replace("erp,2", "erp,1"))
    assert mistakes_in(path) == [(3, "fallback")]


def test_a_new_owner_beside_a_copy_of_the_old_one_overlaps_until_that_row_ends(tmp_path):
    since = swapped(NAME, "2026-03-01")
    path = file_of(tmp_path, NAME, NAME_ERP, since)
    with pytest.raises(MatrixError, match=r"is erp|is crm|is billing") as caught:
        load_ownership(path)
    assert [(mistake.line, mistake.column) for mistake in caught.value.mistakes] == [(4, "owner")]
    ended = NAME_ERP.replace("2020-01-01,", "2020-01-01,2026-02-28")
    matrix = load_ownership(file_of(tmp_path, NAME, ended, since))
    assert owners(owned_on(matrix, date(2026, 2, 28))) == [("crm", "billing"), ("crm", "erp")]
    assert owners(owned_on(matrix, date(2026, 3, 1))) == [("billing", "crm")]


def test_mistakes_of_several_lines_are_told_together(tmp_path):
    path = file_of(tmp_path, TOTAL, TOTAL, NAME, NAME.replace("crm,billing,1", "erp,crm,1"))
    assert mistakes_in(path) == [(3, "attribute"), (5, "fallback"), (5, "owner")]
