"""What a check of the Dagster UI shows of a class of drift."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl

from orchestration.assets.reconciliation import table_schema
from orchestration.checks import SHOWN, Places, code_results, tieout_results

ROW = {
    "code": "INV-AMT-01",
    "disposition": "exception",
    "attribute": "total",
    "exception_key": "k",
    "explained_by": None,
}
NIGHT = dt.date(2026, 6, 30)
PLACES = Places(Path("/reports/2026-06-30"), "https://review.example", "JPY", {"JPY": 0})


def of_code(rows, code, places=PLACES):
    drift = pl.DataFrame(rows, infer_schema_length=None)
    return {one.check_name: one for one in code_results(drift, places)}[code]


def dearest(rows, places=PLACES):
    told = of_code(rows, "inv_amt_01", places).metadata["dearest rows"].md_str
    return told.splitlines()[2:]


def test_a_check_links_to_the_dearest_rows_first_and_to_all_of_them():
    rows = [
        {**ROW, "row_key": f"in_{at}", "exception_key": f"k|{at}", "impact_reporting_minor": -at}
        for at in range(SHOWN + 2)
    ]
    found = of_code(rows, "inv_amt_01")
    lines = dearest(rows)
    assert not found.passed
    assert found.description == "22 exceptions, 231 JPY at risk"
    assert lines[0] == (
        "| [in_21](https://review.example/exceptions/k%7C21) | total | exception | -21 JPY |"
    )
    assert len(lines) == SHOWN
    shown = {name: value.value for name, value in found.metadata.items() if "rows, " in name}
    assert shown == {
        "rows, CSV": "/reports/2026-06-30/exceptions/INV-AMT-01.csv",
        "rows, report": "file:///reports/2026-06-30/report.html#exceptions?code=INV-AMT-01",
        "rows, review": "https://review.example/?code=INV-AMT-01",
    }
    assert of_code(rows, "cus_miss_01").passed
    assert not [name for name in of_code(rows, "cus_miss_01").metadata if "rows, " in name]


def test_money_that_another_exception_explains_is_counted_once_as_in_the_report():
    rows = [
        {**ROW, "row_key": key, "impact_reporting_minor": 5, "explained_by": by}
        for key, by in (("in_1", None), ("in_2", "k"))
    ]
    assert of_code(rows, "inv_amt_01").description == "2 exceptions, 5 JPY at risk"


def test_what_has_no_page_in_the_review_is_told_without_a_link():
    row = {**ROW, "row_key": "in_1", "impact_reporting_minor": 5}
    told = ["| in_1 | total | exception | 5 JPY |"]
    assert dearest([row], replace(PLACES, review="")) == told
    unproven = {**row, "disposition": "unproven"}
    assert dearest([unproven]) == ["| in_1 | total | unproven | 5 JPY |"]
    told = of_code([unproven], "inv_amt_01").description
    assert told == "0 exceptions, 0 JPY at risk; 1 unproven"


def test_a_broken_tieout_names_its_lines_and_where_both_sides_stand():
    lines = pl.DataFrame(
        [("TO-BANK", "EUR", "is 3 off", False), ("TO-BANK", "USD", "", True)],
        schema=["code", "scope", "detail", "holds"],
        orient="row",
    )
    found = {one.check_name: one for one in tieout_results(lines, PLACES, NIGHT)}
    broken = found["to_bank"]
    assert not broken.passed
    assert broken.description == "1 of 2 lines do not hold"
    assert broken.metadata["broken"].md_str == "* EUR: is 3 off"
    assert broken.metadata["rows, review"].url == "https://review.example/tieouts/2026-06-30"
    assert found["to_je"].metadata["broken"].md_str == "none"


def test_the_catalogue_shows_columns_and_types():
    schema = table_schema(pl.DataFrame({"code": ["a"], "impact_minor": [1]}))
    assert [(column.name, column.type) for column in schema.columns] == [
        ("code", "String"), ("impact_minor", "Int64"),
    ]  # fmt: skip
