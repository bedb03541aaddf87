"""Nights whose models Spark builds: in worker processes, of which one is killed; at a server."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
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
from tests.peers.servers import free_port, serving

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytest.importorskip("dbt.adapters.spark", reason="the extra `spark` is not installed")
pytestmark = pytest.mark.slow

# Two workers of one core each, which are processes; what is small is not cut in 200 pieces.
OPTIONS = "--master local-cluster[2,1,2048] --conf spark.sql.shuffle.partitions=2"
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
WORKER = b"org.apache.spark.executor.CoarseGrainedExecutorBackend"
RESULTS = ("drift", "dispositions", "matches", "match_allocations", "match_residue", "tieouts")
MODELS_BEFORE_THE_KILL = 20


@pytest.fixture(scope="module")
def duck(tmp_path_factory):
    """A night on DuckDB, of a company with drift of every class."""
    settings = load_settings().practising_in(tmp_path_factory.mktemp("duck"))
    plants = parse_plants([], 1)
    world = write_world(settings, settings.raw_dir, customers=300, seed=7, plants=plants)
    assert run_night(settings, world.day).ok
    return settings, world.day


def test_a_night_on_spark_tells_what_one_on_duckdb_tells_though_a_worker_dies(duck, tmp_path):
    spark = _on_spark(duck, tmp_path, spark_options=OPTIONS)

    with _killing_a_worker(spark.spark_dir) as killed:
        assert run_night(spark, duck[1]).ok

    assert killed
    _tell_the_same(duck[0], spark)


def test_a_night_at_a_connect_server_tells_what_one_on_duckdb_tells(duck, tmp_path, monkeypatch):
    pytest.importorskip("grpc_status", reason="the extra `spark-connect` is not installed")
    spark = _on_spark(duck, tmp_path)

    with _connect_server(spark.spark_dir) as address:
        monkeypatch.setenv("SPARK_REMOTE", address)
        assert run_night(spark, duck[1]).ok

    _tell_the_same(duck[0], spark)


def _on_spark(duck, folder, **options):
    settings = replace(duck[0].practising_in(folder / "spark"), engine="spark", **options)
    shutil.copytree(duck[0].raw_dir, settings.raw_dir)
    return settings


def _tell_the_same(duck, spark):
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
def _connect_server(folder: Path) -> Iterator[str]:
    """Spark Connect on a free port, whose tables stand in a night's folder."""
    port = free_port()
    configured = {
        "spark.sql.warehouse.dir": f"{folder}/tables",
        "spark.sql.shuffle.partitions": 2,
        "spark.connect.grpc.binding.port": port,
    }
    confs = [word for name, value in configured.items() for word in ("--conf", f"{name}={value}")]
    submit = Path(find_spec("pyspark").origin).parent / "bin" / "spark-submit"
    command = [submit, "--master", "local[2]", *confs, "--class", SERVER, "spark-internal"]
    with serving(command, port, seconds=300):
        yield f"sc://127.0.0.1:{port}"


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
