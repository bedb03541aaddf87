"""The system-of-record matrix: what is read, and how mistakes are told."""

from datetime import date
from pathlib import Path

import pytest

from reconcilers.matrix import in_force, load_matrix
from reconcilers.matrix_file import FIELD_CODES, MatrixError
from reconcilers.rules.field import MEANINGS
from tests.comparison_tables import SEEDS, declared_columns

HEADER = (
    "entity,attribute,status,comparison,owner,replica,fallback,drift_code,comparator,"
    "tolerance_minor,tolerance_per,tolerance_cap_minor,grace_hours,conflict_rule,approval,"
    "valid_from,valid_to,missing,why"
)
TOTAL = (
    "invoice,total,compared,cmp_invoice__billing_vs_erp,billing,erp,1,INV-AMT-01,money,1,line,5,6,"
    "FROZEN,P,2020-01-01,,,paper"
)


def file_of(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "matrix.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def mistakes_in(path: Path) -> list[tuple[int, str]]:
    with pytest.raises(MatrixError) as caught:
        load_matrix(path)
    return [(mistake.line, mistake.column) for mistake in caught.value.mistakes]


def test_the_shipped_matrix_is_sound_and_its_columns_exist():
    for rule in load_matrix(SEEDS / "system_of_record.csv"):
        columns = declared_columns()[rule.comparison]
        assert {rule.owner_column, rule.replica_column} <= columns.keys()
        assert columns[rule.owner_column] == columns[rule.replica_column]


def test_every_class_that_a_row_may_name_has_a_meaning():
    assert set(FIELD_CODES) == set(MEANINGS)


def test_a_row_is_typed(tmp_path):
    (rule,) = load_matrix(file_of(tmp_path, TOTAL))
    assert (rule.tolerance, rule.is_per_line, rule.tolerance_cap, rule.grace_hours) == (
        1,
        True,
        5,
        6,
    )
    assert (rule.owner_column, rule.replica_column) == ("billing_total_minor", "erp_total_minor")
    assert rule.valid_from == date(2020, 1, 1)


def test_an_unknown_or_missing_column_is_refused(tmp_path):
    path = file_of(tmp_path, header=HEADER.replace("why", "because"))
    assert mistakes_in(path) == [(1, "because"), (1, "why")]


def test_all_mistakes_of_all_lines_are_told_at_once(tmp_path):
    path = file_of(
        tmp_path,
        TOTAL.replace(",6,FROZEN", ",six,THAWED"),
        TOTAL,
        TOTAL.replace("2020-01-01", "").replace(",erp,", ",warehouse,"),
    )
    assert mistakes_in(path) == [
        (2, "conflict_rule"),
        (2, "grace_hours"),
        (4, "replica"),
        (4, "valid_from"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "column"),
    [
        ("billing,erp", "billing,billing", "replica"),
        ("billing,erp", "crm,erp", "owner"),
        ("money,1,", "money,,", "tolerance_minor"),
        ("money,1,line,5", "exact,1,,", "tolerance_minor"),
        ("money,1,line,5", "money,1,,5", "tolerance_cap_minor"),
        ("money,1,line,5", "ratio,1,line,", "tolerance_per"),
        ("2020-01-01", "2020-02-30", "valid_from"),
        ("2020-01-01,", "2020-01-01,2019-12-31", "valid_to"),
        (",compared,", ",golden_only,", "comparison"),
        ("cmp_invoice__billing_vs_erp,", ",", "comparison"),
        (",INV-AMT-01,", ",CUS-LINK-01,", "drift_code"),
        (",INV-AMT-01,", ",invoice,", "drift_code"),
        (",1,INV-AMT-01", ",0,INV-AMT-01", "fallback"),
        (",FROZEN,", ",CALC,", "owner"),
        (",FROZEN,", ",PAPER,", "owner"),
        (",FROZEN,", ",UNION,", "comparator"),
        (",,paper", ",nothing,paper", "missing"),
    ],
)
def test_cells_that_contradict_each_other_are_refused(tmp_path, before, after, column):
    path = file_of(tmp_path, TOTAL.replace(before, after))
    assert (2, column) in mistakes_in(path)


def test_a_row_with_more_cells_than_columns_is_refused(tmp_path):
    assert mistakes_in(file_of(tmp_path, TOTAL + ",and,more")) == [(2, "(line)")]


def test_the_line_counts_line_breaks_inside_quotes(tmp_path):
    path = file_of(tmp_path, TOTAL.replace("paper", '"two\nlines"'), TOTAL.replace(",6,", ",x,"))
    assert mistakes_in(path) == [(4, "grace_hours")]


def test_the_same_subject_twice_from_the_same_day_is_refused(tmp_path):
    assert mistakes_in(file_of(tmp_path, TOTAL, TOTAL)) == [(3, "attribute")]


def test_a_change_of_owner_replaces_the_row_of_the_pair(tmp_path):
    later = TOTAL.replace("billing,erp", "erp,billing").replace("2020-01-01", "2026-03-01")
    matrix = load_matrix(file_of(tmp_path, TOTAL, later))
    assert [rule.owner for rule in in_force(matrix, date(2026, 2, 28))] == ["billing"]
    assert [rule.owner for rule in in_force(matrix, date(2026, 3, 1))] == ["erp"]


def test_the_row_in_force_is_the_latest_that_is_valid(tmp_path):
    later = TOTAL.replace("2020-01-01,", "2026-03-01,2026-06-30").replace("money,1,", "money,2,")
    matrix = load_matrix(file_of(tmp_path, TOTAL, later))
    days = [date(2019, 1, 1), date(2026, 2, 28), date(2026, 3, 1), date(2026, 7, 1), None]
    chosen = {day: [rule.tolerance for rule in in_force(matrix, day)] for day in days}
    assert chosen == {
        date(2019, 1, 1): [],
        date(2026, 2, 28): [1],
        date(2026, 3, 1): [2],
        date(2026, 7, 1): [],
        None: [2],
    }
