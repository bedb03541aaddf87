"""Whether Spark makes the tables that DuckDB makes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.spark.build import SparkBuild
from orchestration.spark.folder import Table, require_spark

HASH = "fingerprint"
"""How columns of hashes are named: each engine has its own hash, compared with itself only."""


@dataclass(frozen=True)
class Difference:
    """Rows of a model that only one engine has."""

    table: Table
    spark_only: int
    duckdb_only: int


@dataclass(frozen=True)
class Comparison:
    """All models built by both engines from the same tables. Seconds are of all of dbt."""

    models: int
    duckdb_seconds: float
    spark_seconds: float
    differences: tuple[Difference, ...]


def compare_engines(warehouse: Path, build: SparkBuild) -> Comparison:
    """Build the models of a warehouse with DuckDB and with Spark, in copies.

    Raises:
        SparkBuildError: dbt failed, or Spark is not installed.
        duckdb.Error: the warehouse is of no night.

    """
    require_spark()
    build.take(warehouse)
    duckdb_seconds = _timed(build, "warehouse")
    spark_seconds = _timed(build, "spark")
    with duckdb.connect(str(build.warehouse), read_only=True) as con:
        found = tuple(_differences(con, build))
    return Comparison(len(build.models()), duckdb_seconds, spark_seconds, found)


def _timed(build: SparkBuild, target: str) -> float:
    begun = time.perf_counter()
    build.dbt(target, "run")
    return time.perf_counter() - begun


def _differences(con: duckdb.DuckDBPyConnection, build: SparkBuild) -> Iterator[Difference]:
    """Models whose rows are not the same, as often, with equal values in all columns."""
    for table in build.models():
        described = con.sql(f"describe {table.schema}.{table.name}").fetchall()
        columns = ", ".join(
            f'cast("{name}" as {kind}) as "{name}"'
            for name, kind, *_ in described
            if not name.endswith(HASH)
        )
        ours = f"select {columns} from {table.schema}.{table.name}"
        theirs = f"select {columns} from read_parquet('{build.spark.made(table)}')"
        spark_only = _count(con, f"{theirs} except all {ours}")
        duckdb_only = _count(con, f"{ours} except all {theirs}")
        if spark_only or duckdb_only:
            yield Difference(table, spark_only, duckdb_only)


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.sql(f"select count(*) from ({query})").fetchall()[0][0])
