"""The folder by which DuckDB and Spark hand each other tables: Parquet that both see."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb


class SparkBuildError(Exception):
    """dbt or Spark failed, or the extra `spark` is not installed."""


def require_spark() -> None:
    """Raise SparkBuildError where the extra `spark` is not installed."""
    if find_spec("dbt.adapters.spark") is None or find_spec("pyspark") is None:
        raise SparkBuildError("the extra `spark` is not installed (docs/scaling.md)")


@dataclass(frozen=True, order=True)
class Table:
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class SparkFolder:
    """Seen by Spark's driver and by its workers; it also holds the catalogue of a session."""

    path: Path
    options: str = "--master local[2]"
    """Of spark-submit. The rest is as Spark's own configuration says (SPARK_CONF_DIR)."""

    @property
    def environment(self) -> dict[str, str]:
        """What dbt's process must see for Spark to work in this folder."""
        configured = {
            # its bar of progress would stand in the middle of dbt's lines, which Dagster reads
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": f"{self.path}/tables",
            "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:;databaseName="
            f"{self.path}/catalogue;create=true",
        }
        ours = [word for pair in configured.items() for word in ("--conf", "=".join(pair))]
        return {"PYSPARK_SUBMIT_ARGS": f"{shlex.join(ours)} {self.options} pyspark-shell"}

    def give(self, con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> str:
        """Write tables of DuckDB for Spark.

        Returns the arguments of dbt's operation `register_parquet`, by which Spark knows them.

        Raises:
            duckdb.Error: a table is missing.

        """
        sources = self.path / "sources"
        named = sorted(tables)
        for table in named:
            files = sources / table.schema / table.name
            files.mkdir(parents=True, exist_ok=True)
            con.execute(f"copy {table} to '{files}/all.parquet' (format parquet)")
        names = [[table.schema, table.name] for table in named]
        return json.dumps({"folder": str(sources), "tables": names})

    def made(self, table: Table) -> str:
        """The files of a table that Spark made."""
        return f"{self.path}/tables/{table.schema}.db/{table.name}/*.parquet"

    def show(
        self, con: duckdb.DuckDBPyConnection, tables: Mapping[Table, Mapping[str, str]]
    ) -> None:
        """Let DuckDB read what Spark made in the place of tables of its own.

        `tables` have the types of their columns where these are told.

        Raises:
            SparkBuildError: there are no files of a table.

        """
        kinds = dict(
            con.sql(
                "select schema_name || '.' || table_name, 'table' from duckdb_tables() union all "
                "select schema_name || '.' || view_name, 'view' from duckdb_views()"
            ).fetchall()
        )
        for table in sorted(tables):
            if not Path(self.made(table)).parent.exists():
                raise SparkBuildError(
                    f"Spark left no files of {table} in {self.path}/tables: a night needs a "
                    "session (TIEOUT_SPARK_METHOD) or a Connect server whose "
                    "spark.sql.warehouse.dir is that folder"
                )
            con.execute(f"create schema if not exists {table.schema}")
            if kinds.get(str(table)) == "table":
                con.execute(f"drop table {table}")
            columns = [
                f'cast("{name}" as {kind}) as "{name}"' for name, kind in tables[table].items()
            ]
            con.execute(
                f"create or replace view {table} as "
                f"select {', '.join(columns) or '*'} from read_parquet('{self.made(table)}')"
            )


def tables_of(nodes: Iterable[Mapping[str, Any]]) -> dict[Table, dict[str, str]]:
    """Sources, seeds or models of dbt's manifest, with the types of columns under contract."""
    return {
        Table(node["schema"], node.get("identifier") or node["alias"]): _contracted(node)
        for node in nodes
    }


def of_type(manifest: Mapping[str, Any], resource_type: str) -> list[Mapping[str, Any]]:
    """All `source`, `seed` or `model` nodes of dbt's manifest."""
    nodes = manifest["sources" if resource_type == "source" else "nodes"].values()
    return [node for node in nodes if node["resource_type"] == resource_type]


def _contracted(node: Mapping[str, Any]) -> dict[str, str]:
    if not node.get("config", {}).get("contract", {}).get("enforced"):
        return {}
    return {column["name"]: column["data_type"] for column in node["columns"].values()}
