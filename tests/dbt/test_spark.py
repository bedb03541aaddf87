"""The models of a night on Spark: the rows of DuckDB, model by model."""

import pytest

from orchestration.evaluate import parse_plants
from orchestration.night import run_night
from orchestration.settings import load_settings
from orchestration.spark.build import SparkBuild
from orchestration.spark.compare import compare_engines
from orchestration.spark.folder import SparkFolder
from orchestration.worlds.world import write_world

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytest.importorskip("dbt.adapters.spark", reason="the extra `spark` is not installed")
pytestmark = pytest.mark.slow

OPTIONS = "--master local[2] --conf spark.sql.shuffle.partitions=2"


def test_spark_makes_the_rows_that_duckdb_makes(tmp_path):
    home = load_settings().practising_in(tmp_path / "home")
    world = write_world(home, home.raw_dir, customers=300, seed=7, plants=parse_plants([], 1))
    assert run_night(home, world.day).ok

    found = compare_engines(
        home.warehouse_path, SparkBuild(SparkFolder(tmp_path / "spark", OPTIONS))
    )

    assert found.differences == ()
    assert found.models > 200
