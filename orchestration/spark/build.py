"""The dbt models of one warehouse, built by DuckDB and by Apache Spark."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.company_files import DBT_PROJECT_DIR


class SparkBuildError(Exception):
    """dbt failed, or the extra `spark` is not installed."""


@dataclass(frozen=True, order=True)
class Table:
    schema: str
    name: str


@dataclass(frozen=True)
class SparkBuild:
    """A folder that Spark and its workers see: a copy of the warehouse, and Spark's own files."""

    folder: Path
    options: str = "--master local[2]"
    """Of spark-submit. The rest is as Spark's own configuration says (SPARK_CONF_DIR)."""

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def take(self, warehouse: Path) -> None:
        """Copy a warehouse that nobody has open, and give Spark its tables that no model makes.

        Seeds are among them, as DuckDB typed them: dbt-spark would bind their decimals as floats.

        Raises:
            SparkBuildError: dbt failed.
            duckdb.Error: a table is missing: the warehouse is of no night, or of another version.

        """
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(warehouse, self.warehouse)
        self.dbt("spark", "parse")
        tables = sorted(self._tables("sources", "source") | self._tables("nodes", "seed"))
        sources = self.folder / "sources"
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            for table in tables:
                files = sources / table.schema / table.name
                files.mkdir(parents=True, exist_ok=True)
                con.execute(
                    f"copy {table.schema}.{table.name} to '{files}/all.parquet' (format parquet)"
                )
        names = [[table.schema, table.name] for table in tables]
        told = json.dumps({"folder": str(sources), "tables": names})
        self.dbt("spark", "run-operation", "register_parquet", "--args", told)

    def dbt(self, target: str, command: str, *arguments: str) -> None:
        """Run dbt with a target of profiles.yml: `warehouse` (the copy) or `spark`.

        Raises:
            SparkBuildError: it failed; the message ends with what dbt said.

        """
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [
                *(sys.executable, "-P", "-m", "orchestration.dbt_process", "--no-use-colors"),
                *(command, "--target", target),
                *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
                *("--target-path", str(self.folder / f"target-{target}")),
                *("--log-path", str(self.folder / "logs"), *arguments),
            ],
            cwd=self.folder,  # where a session of Spark makes its catalogue and its tables
            env={
                **os.environ,
                "TIEOUT_WAREHOUSE": str(self.warehouse),
                "PYSPARK_SUBMIT_ARGS": f"{self.options} pyspark-shell",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            told = done.stdout[-4000:] + done.stderr[-2000:]
            raise SparkBuildError(f"dbt {command} with target {target} failed:\n{told}")

    def models(self) -> list[Table]:
        return sorted(self._tables("nodes", "model"))

    def made(self, table: Table) -> str:
        """The files of a table that Spark made."""
        return f"{self.folder}/spark-warehouse/{table.schema}.db/{table.name}/*.parquet"

    def _tables(self, kind: str, resource_type: str) -> set[Table]:
        return {
            Table(node["schema"], node.get("identifier") or node["alias"])
            for node in self._manifest[kind].values()
            if node["resource_type"] == resource_type
        }

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "target-spark" / "manifest.json").read_text("utf-8"))
