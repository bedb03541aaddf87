"""Short looks into the warehouse from a process that goes on: a night always comes first.

DuckDB locks its file per process, and dbt, which a night starts, does not wait for readers. A look
therefore holds the lock of the night, is refused while a night or another look runs (looks in line
would leave a night no gap), and is ended after seconds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from filelock import FileLock, Timeout

from orchestration.settings import Settings
from reconcilers.engine import open_warehouse

LONGEST_SECONDS = 3  # a night waits longer than this for its lock (see resources.py)
AGAIN_SECONDS = 0.1  # an interrupt between two queries is lost
_one_at_a_time = threading.Lock()


class NoLookError(RuntimeError):
    """The warehouse cannot be looked into now; the words say why."""


@contextmanager
def glance(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only, for some seconds at most.

    Raises NoLookError while a night or another look runs, before the first night, and when a look
    takes too long.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise NoLookError("another page is looking into it: look again in a moment")
    try:
        with (
            FileLock(settings.lock_path, timeout=0),
            open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con,
            _ended_after(LONGEST_SECONDS, con),
        ):
            yield con
    except Timeout as error:
        raise NoLookError("a night is running: look again when it is over") from error
    except duckdb.IOException as error:
        raise NoLookError("there is no warehouse yet, or another program holds it") from error
    except duckdb.InterruptException as error:
        raise NoLookError(f"it took longer than {LONGEST_SECONDS} s and was ended") from error
    finally:
        _one_at_a_time.release()


@contextmanager
def _ended_after(seconds: float, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt whatever is asked from then on, until the block is over."""
    over = threading.Event()

    def end() -> None:
        pause = seconds
        while not over.wait(pause):
            con.interrupt()
            pause = AGAIN_SECONDS

    ending = threading.Thread(target=end, daemon=True)
    ending.start()
    try:
        yield
    finally:
        over.set()
        ending.join()
