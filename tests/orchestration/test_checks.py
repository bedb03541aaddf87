"""What a check of the Dagster UI shows of a class of drift."""

from pathlib import Path

import polars as pl

from orchestration.assets.reconciliation import table_schema
from orchestration.checks import SHOWN, code_results

ROW = {"code": "INV-AMT-01", "disposition": "exception", "attribute": "total"}


def of_code(rows, code):
    drift = pl.DataFrame(rows, infer_schema_length=None)
    found = {one.check_name: one for one in code_results(drift, Path("reports/2026-06-30"))}
    return found[code]


def test_a_check_names_the_dearest_rows_first_and_where_all_of_them_are():
    rows = [
        {**ROW, "row_key": f"in_{at}", "impact_reporting_minor": -100 * at}
        for at in range(SHOWN + 2)
    ]
    told = of_code(rows, "inv_amt_01")
    lines = told.metadata["dearest rows"].md_str.splitlines()[2:]
    assert not told.passed
    assert lines[0] == f"| in_{SHOWN + 1} | total | exception | -{SHOWN + 1}.00 |"
    assert len(lines) == SHOWN
    assert told.metadata["all rows"].path == "reports/2026-06-30/exceptions/INV-AMT-01.csv"
    assert of_code(rows, "cus_miss_01").passed


def test_the_catalogue_shows_columns_and_types():
    schema = table_schema(pl.DataFrame({"code": ["a"], "impact_minor": [1]}))
    assert [(column.name, column.type) for column in schema.columns] == [
        ("code", "String"), ("impact_minor", "Int64"),
    ]  # fmt: skip
