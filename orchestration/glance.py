"""Short looks into the warehouse from a process that goes on: a night always comes first.

DuckDB locks its file per process, and dbt, which a night starts, does not wait for readers. A look
therefore holds the lock of the night, is refused while a night runs, and is ended after seconds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from filelock import FileLock, Timeout

from orchestration.settings import Settings
from reconcilers.engine import open_warehouse

LONGEST_SECONDS = 3  # a night waits longer than this for its lock (see resources.py)
_one_at_a_time = threading.Lock()


class NoLookError(RuntimeError):
    """The warehouse cannot be looked into now; the words say why."""


@contextmanager
def glance(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only, for some seconds at most.

    Raises NoLookError while a night runs, before the first one, and when a look takes too long.
    """
    try:
        with (
            _one_at_a_time,
            FileLock(settings.lock_path, timeout=0),
            open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con,
        ):
            ending = threading.Timer(LONGEST_SECONDS, con.interrupt)
            ending.start()
            try:
                yield con
            finally:
                ending.cancel()
    except Timeout as error:
        raise NoLookError("a night is running: look again when it is over") from error
    except duckdb.IOException as error:
        raise NoLookError("there is no warehouse yet, or another program holds it") from error
    except duckdb.InterruptException as error:
        raise NoLookError(f"it took longer than {LONGEST_SECONDS} s and was ended") from error
