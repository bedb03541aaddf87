"""The models of a night on Apache Spark: DuckDB gives the tables they stand on, and reads theirs.

Seeds are loaded, and all is tested, by DuckDB, which also does what is no model: the raw tables,
identities, matching, rules and tie-outs. Those read of a model what they look for.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.resources import Night
from orchestration.spark.folder import SparkFolder, of_type, require_spark, tables_of

IDENTITY = "identity"
FIRST_HALF = "before_identity"


def build_on_spark(
    context: dg.AssetExecutionContext,
    night: Night,
    dbt: DbtCliResource,
    manifest: Mapping[str, Any],
    *,
    is_first: bool,
) -> Iterator[Any]:
    """One half of the models, of which the second stands on the identities that Python made.

    Raises:
        SparkBuildError: the extra `spark` is not installed, or Spark left no files of a model.

    """
    require_spark()
    settings = night.settings
    folder = SparkFolder(settings.spark_dir, settings.spark_options)
    if is_first:
        shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(parents=True, exist_ok=True)
    os.environ.update(folder.environment)
    in_duckdb = settings.dbt_target_dir
    in_spark = in_duckdb.with_name("target-spark")

    def run(*arguments: str, target: str, path: Path) -> Iterator[Any]:
        told = [*arguments, "--target", target, "--no-write-json"]
        return dbt.cli(told, context=context, target_path=path).stream()

    given = [
        node for node in of_type(manifest, "source") if (node["schema"] == IDENTITY) is not is_first
    ]
    if is_first:  # which all seeds are in
        yield from run("seed", target="warehouse", path=in_duckdb)
        given += of_type(manifest, "seed")
    with night.warehouse() as con:
        told = folder.give(con, tables_of(given))
    dbt.cli(
        ["run-operation", "register_parquet", "--args", told, "--target", "spark"],
        target_path=in_spark,
    ).wait()
    yield from run("run", target="spark", path=in_spark)
    made = [node for node in of_type(manifest, "model") if (FIRST_HALF in node["tags"]) is is_first]
    with night.warehouse(read_only=False) as con:
        folder.show(con, tables_of(made))
    grains = json.dumps({"unique_ids": [node["unique_id"] for node in made]})
    dbt.cli(
        ["run-operation", "require_grains", "--args", grains, "--target", "warehouse"],
        target_path=in_duckdb,
    ).wait()
    yield from run(
        "test", "--exclude-resource-type", "unit_test", target="warehouse", path=in_duckdb
    )
