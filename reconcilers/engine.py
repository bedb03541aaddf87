"""The warehouse as lazy frames: DuckDB behind a Narwhals door.

Rules see only Narwhals expressions, so another engine can stand behind `lazy` as they are.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import narwhals as nw
import polars as pl

_LOOK_AGAIN_SECONDS = 0.5
_MODELS_STAMP = "staging.stg_control__build"


class WarehouseBuiltForAnotherDay(RuntimeError):  # noqa: N818 - a state, told as one
    """The warehouse holds another snapshot day than the one that is to be reconciled."""


@contextmanager
def open_warehouse(
    path: str | Path,
    *,
    read_only: bool = True,
    memory_limit: str | None = None,
    wait_seconds: float = 0,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse file for one step and close it again.

    DuckDB locks the file per process, so nobody may hold a connection while dbt runs. A night that
    was killed may leave its dbt behind for some seconds: `wait_seconds` waits for such a process.
    Raises duckdb.IOException when the file is still locked then, or is not there.
    """
    con = _connect(str(path), read_only=read_only, until=time.monotonic() + wait_seconds)
    try:
        con.execute("SET TimeZone = 'UTC'")
        if memory_limit is not None:
            con.execute(f"SET memory_limit = '{memory_limit}'")
        yield con
    finally:
        con.close()


def _connect(path: str, *, read_only: bool, until: float) -> duckdb.DuckDBPyConnection:
    while True:
        try:
            return duckdb.connect(path, read_only=read_only)
        except duckdb.IOException as error:
            if "lock" not in str(error) or time.monotonic() >= until:
                raise
            time.sleep(_LOOK_AGAIN_SECONDS)


def lazy(con: duckdb.DuckDBPyConnection, name: str) -> nw.LazyFrame[duckdb.DuckDBPyRelation]:
    """A table or view of the warehouse, such as `comparison.cmp_invoice__billing_vs_erp`.

    Frames hold types of DuckDB, which writes `nanobind: leaked` to stderr when a thread still has
    one at the end of the process: keep frames local to the step that collects them.
    """
    schema, _, table = name.partition(".")
    return nw.from_native(con.sql(f'select * from "{schema}"."{table}"'))


def collect(frame: nw.LazyFrame[duckdb.DuckDBPyRelation]) -> pl.DataFrame:
    """Run the frame inside the engine and bring the rows back."""
    return frame.collect(backend="polars").to_native()


def require_built_for(con: duckdb.DuckDBPyConnection, snapshot_date: date) -> None:
    """Refuse a warehouse that was loaded as of another day, or whose models are of another load.

    Raises WarehouseBuiltForAnotherDay.
    """
    if not exists(con, "raw.build"):
        raise WarehouseBuiltForAnotherDay(
            f"Reconciling {snapshot_date}: the warehouse carries no build stamp (raw.build). "
            "Load the raw zone and run dbt for that day first."
        )
    stamps = con.sql("select snapshot_date from raw.build").fetchall()
    if stamps != [(snapshot_date,)]:
        seen = ", ".join(str(stamp[0]) for stamp in stamps) or "no day"
        raise WarehouseBuiltForAnotherDay(
            f"Reconciling {snapshot_date}: the warehouse is built for {seen}. "
            "Rebuild it for the day that you want to reconcile."
        )
    if (
        exists(con, _MODELS_STAMP)
        and con.sql(f"from {_MODELS_STAMP} except from raw.build").fetchall()
    ):
        raise WarehouseBuiltForAnotherDay(
            f"Reconciling {snapshot_date}: the raw tables were loaded since dbt built the models. "
            "Build them for that day first."
        )


def exists(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a table or view of that name stands in the warehouse."""
    schema, _, table = name.partition(".")
    found = con.sql(
        "select count(*) from information_schema.tables "
        "where table_catalog = current_database() and table_schema = ? and table_name = ?",
        params=[schema, table],
    ).fetchall()
    return bool(found[0][0])


def replace_table(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Write the frame as that table, in place of whatever stood there."""
    schema, _, table = name.partition(".")
    con.execute(f'create schema if not exists "{schema}"')
    con.register("_incoming", frame)
    try:
        con.execute(f'create or replace table "{schema}"."{table}" as select * from _incoming')
    finally:
        con.unregister("_incoming")
