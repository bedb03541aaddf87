"""A night whose models Spark builds in several worker processes, of which one is killed."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import select

from orchestration.evaluate import parse_plants
from orchestration.night import run_night
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from orchestration.worlds.world import write_world
from reconcilers.state.models import CorrectionRecord, ExceptionRecord, Night

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytest.importorskip("dbt.adapters.spark", reason="the extra `spark` is not installed")
pytestmark = pytest.mark.slow

# Two workers of one core each, which are processes; what is small is not cut in 200 pieces.
OPTIONS = "--master local-cluster[2,1,2048] --conf spark.sql.shuffle.partitions=2"
WORKER = b"org.apache.spark.executor.CoarseGrainedExecutorBackend"
RESULTS = ("drift", "dispositions", "matches", "match_allocations", "match_residue", "tieouts")
MODELS_BEFORE_THE_KILL = 20


def test_a_night_on_spark_tells_what_one_on_duckdb_tells_though_a_worker_dies(tmp_path):
    duck = load_settings().practising_in(tmp_path / "duck")
    world = write_world(duck, duck.raw_dir, customers=300, seed=7, plants=parse_plants([], 1))
    spark = replace(duck.practising_in(tmp_path / "spark"), engine="spark", spark_options=OPTIONS)
    shutil.copytree(duck.raw_dir, spark.raw_dir)

    with _killing_a_worker(spark.spark_dir) as killed:
        assert run_night(spark, world.day).ok
    assert run_night(duck, world.day).ok

    assert killed
    with duckdb.connect(str(duck.warehouse_path), read_only=True) as con:
        con.execute(f"attach '{spark.warehouse_path}' as spark (read_only)")
        assert con.sql("from reconciliation.drift").fetchall()
        assert [name for name in RESULTS if _differ(con, f"reconciliation.{name}")] == []
    assert _recorded(spark) == _recorded(duck)


def _differ(con, table):
    ours, theirs = f"from {table}", f"from spark.{table}"
    both = f"({ours} except all {theirs}) union all ({theirs} except all {ours})"
    return con.sql(both).fetchall()


def _recorded(settings):
    with opened_state(settings) as state, state.read() as session:
        return [
            session.execute(select(*columns).order_by(*columns)).all()
            for columns in (
                (Night.snapshot_date, Night.findings_sha256, Night.exceptions),
                (ExceptionRecord.exception_key, ExceptionRecord.state),
                (CorrectionRecord.correction_id, CorrectionRecord.state),
            )
        ]


@contextmanager
def _killing_a_worker(folder: Path) -> Iterator[list[int]]:
    """Kill one worker once Spark has made some tables; its id is in the list then."""
    killed: list[int] = []
    is_over = threading.Event()

    def kill() -> None:
        while not is_over.is_set():
            time.sleep(0.2)
            if len(list(folder.glob("tables/staging.db/*"))) < MODELS_BEFORE_THE_KILL:
                continue
            if workers := _workers():
                os.kill(workers[0], signal.SIGKILL)
                killed.append(workers[0])
                return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join()


def _workers() -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if WORKER in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:  # it ended meanwhile
            continue
    return found
