"""The door to the warehouse."""

import subprocess
import sys
from datetime import date

import duckdb
import polars as pl
import pytest

from reconcilers import engine
from reconcilers.engine import WarehouseBuiltForAnotherDay
from tests.comparison_tables import DAY, ROOT, warehouse

EVALUATES = """
from reconcilers import engine
from reconcilers.evaluate import evaluate
from reconcilers.matrix import load_matrix
from reconcilers.rules.catalogue import all_rules
from tests.comparison_tables import DAY, SEEDS, billing_invoice, invoice, warehouse

con = warehouse({"cmp_invoice__billing_vs_erp": [invoice("a"), billing_invoice("b")]})
rules = all_rules(load_matrix(SEEDS / "system_of_record.csv"))
findings = evaluate(con, rules, DAY)
print(findings.drift["code"].to_list())
kept = engine.lazy(con, "reconciliation.drift")
kept.collect_schema()
assert engine.collect(kept).equals(findings.drift)
"""


def test_a_process_that_evaluates_leaves_nothing_on_stderr():
    done = subprocess.run(
        [sys.executable, "-c", EVALUATES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "['INV-MISS-01']", "")


def test_a_warehouse_is_opened_for_reading_unless_asked_otherwise(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with engine.open_warehouse(path, read_only=False) as con:
        engine.replace_table(con, "some.thing", pl.DataFrame({"a": [1]}))
    with engine.open_warehouse(path) as con:
        assert engine.collect(engine.lazy(con, "some.thing")).to_dicts() == [{"a": 1}]
        with pytest.raises(duckdb.InvalidInputException):
            con.execute("create table other (a int)")


def test_the_file_is_free_after_use_even_after_an_error(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with pytest.raises(RuntimeError, match="boom"), engine.open_warehouse(path, read_only=False):
        raise RuntimeError("boom")
    with engine.open_warehouse(path, memory_limit="1GB") as con:
        limit, zone = con.sql(
            "select current_setting('memory_limit'), current_setting('TimeZone')"
        ).fetchall()[0]
    assert (limit, zone) == ("953.6 MiB", "UTC")


def test_a_table_is_replaced_whole():
    con = duckdb.connect()
    engine.replace_table(con, "s.t", pl.DataFrame({"a": [1, 2]}))
    engine.replace_table(con, "s.t", pl.DataFrame({"b": ["x"]}))
    assert engine.collect(engine.lazy(con, "s.t")).to_dicts() == [{"b": "x"}]


def test_the_day_that_the_warehouse_is_built_for_is_accepted():
    engine.require_built_for(warehouse(), DAY)


def test_another_day_is_refused_naming_both():
    with pytest.raises(WarehouseBuiltForAnotherDay, match=r"2026-07-01.*built for 2026-06-30"):
        engine.require_built_for(warehouse(), date(2026, 7, 1))


def test_models_that_were_built_of_an_earlier_load_are_refused():
    con = warehouse()
    con.execute("create schema if not exists staging")
    con.execute("create view staging.stg_control__build as from raw.build")
    engine.require_built_for(con, DAY)
    con.execute("create or replace view staging.stg_control__build as from raw.build limit 0")
    engine.require_built_for(con, DAY)
    con.execute(
        "create or replace view staging.stg_control__build as "
        "select * replace (snapshot_date - 1 as snapshot_date) from raw.build"
    )
    with pytest.raises(WarehouseBuiltForAnotherDay, match="loaded since dbt built the models"):
        engine.require_built_for(con, DAY)


@pytest.mark.parametrize(
    "setup", ["create schema raw", "create schema raw; create table raw.build (snapshot_date date)"]
)
def test_a_warehouse_without_a_stamp_is_refused(setup):
    con = duckdb.connect()
    con.execute(setup)
    with pytest.raises(WarehouseBuiltForAnotherDay, match=r"no (build stamp|day)"):
        engine.require_built_for(con, DAY)
