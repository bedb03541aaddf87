"""What DuckDB gives Spark, and reads of it."""

import json
import shlex
from pathlib import Path

import duckdb
import pytest

from orchestration.spark.folder import SparkBuildError, SparkFolder, Table, of_type, tables_of

INVOICE = Table("canonical", "invoice")


@pytest.fixture
def con():
    with duckdb.connect() as opened:
        opened.execute("create schema raw; create table raw.price as select 'p1' as id, 5 as minor")
        yield opened


def test_what_is_given_is_named_for_the_operation_that_registers_it(con, tmp_path):
    folder = SparkFolder(tmp_path)

    told = json.loads(folder.give(con, [Table("raw", "price")]))

    assert told["tables"] == [["raw", "price"]]
    files = Path(told["folder"]) / "raw" / "price" / "*.parquet"
    assert con.sql(f"from read_parquet('{files}')").fetchall() == [("p1", 5)]


def test_a_table_that_duckdb_lacks_is_refused(con, tmp_path):
    with pytest.raises(duckdb.CatalogException, match="nothing"):
        SparkFolder(tmp_path).give(con, [Table("raw", "nothing")])


def test_duckdb_reads_what_spark_made_in_the_types_of_the_contract(con, tmp_path):
    folder = SparkFolder(tmp_path)
    con.execute(
        "create schema canonical; create table canonical.invoice as select 1 as of_last_night"
    )
    _make(con, folder, INVOICE, "select 'i1' as id, cast(7 as decimal(20, 0)) as total_minor")

    folder.show(con, {INVOICE: {"id": "varchar", "total_minor": "bigint"}})
    folder.show(con, {INVOICE: {"id": "varchar", "total_minor": "bigint"}})

    assert con.sql("from canonical.invoice").fetchall() == [("i1", 7)]
    assert [str(kind) for kind in con.sql("from canonical.invoice").types] == ["VARCHAR", "BIGINT"]


def test_a_table_that_spark_did_not_make_is_not_that_of_last_night(con, tmp_path):
    with pytest.raises(SparkBuildError, match=r"no files of raw\.price in "):
        SparkFolder(tmp_path).show(con, {Table("raw", "price"): {}})


def test_columns_have_the_types_of_a_contract_where_there_is_one():
    columns = {"id": {"name": "id", "data_type": "varchar"}}
    model = {"resource_type": "model", "schema": "canonical", "alias": "invoice"}
    held = model | {"config": {"contract": {"enforced": True}}, "columns": columns}
    free = model | {"alias": "free", "config": {}, "columns": columns}
    source = {"resource_type": "source", "schema": "raw", "identifier": "price"}
    manifest = {"nodes": {"m": held, "n": free}, "sources": {"s": source}}

    assert tables_of(of_type(manifest, "model")) == {
        INVOICE: {"id": "varchar"},
        Table("canonical", "free"): {},
    }
    assert list(tables_of(of_type(manifest, "source"))) == [Table("raw", "price")]


def test_the_options_of_the_deployment_come_after_ours():
    folder = SparkFolder(Path("/data/our books"), "--master local[4]")

    words = shlex.split(folder.environment["PYSPARK_SUBMIT_ARGS"])

    assert "spark.sql.warehouse.dir=/data/our books/tables" in words
    assert words[-3:] == ["--master", "local[4]", "pyspark-shell"]


def _make(con, folder, table, query):
    files = Path(folder.made(table)).parent
    files.mkdir(parents=True)
    con.execute(f"copy ({query}) to '{files}/part-0.parquet' (format parquet)")
