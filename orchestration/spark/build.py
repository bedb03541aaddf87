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
from orchestration.spark.folder import SparkBuildError, SparkFolder, Table, of_type, tables_of


@dataclass(frozen=True)
class SparkBuild:
    """A copy of a warehouse, beside what Spark makes of it."""

    spark: SparkFolder

    @property
    def warehouse(self) -> Path:
        return self.spark.path / "warehouse.duckdb"

    def take(self, warehouse: Path) -> None:
        """Copy a warehouse that nobody has open, and give Spark its tables that no model makes.

        Seeds are among them, as DuckDB typed them: dbt-spark would bind their decimals as floats.

        Raises:
            SparkBuildError: dbt failed.
            duckdb.Error: a table is missing: the warehouse is of no night, or of another version.

        """
        self.spark.path.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(warehouse, self.warehouse)
        self.dbt("spark", "parse")
        given = [*of_type(self._manifest, "source"), *of_type(self._manifest, "seed")]
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            told = self.spark.give(con, tables_of(given))
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
                *("--target-path", str(self.spark.path / f"target-{target}")),
                *("--log-path", str(self.spark.path / "logs"), *arguments),
            ],
            cwd=self.spark.path,
            env={
                **os.environ,
                **self.spark.environment,
                "TIEOUT_WAREHOUSE": str(self.warehouse),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            told = done.stdout[-4000:] + done.stderr[-2000:]
            raise SparkBuildError(f"dbt {command} with target {target} failed:\n{told}")

    def models(self) -> list[Table]:
        return sorted(tables_of(of_type(self._manifest, "model")))

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return json.loads((self.spark.path / "target-spark" / "manifest.json").read_text("utf-8"))
