"""Dagster's history of runs for nights of the command line: the same files, opened once.

Dagster's own store makes an engine for each event, and with it compiles each statement anew and
closes the file; a night has two thousand events, and that was the most of what it did in Python.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event


class OpenEventLog(SqliteEventLogStorage):
    """One connection for each file, until the instance is closed."""

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None:
                engine = self._engines[shard] = _engine(self.conn_string_for_shard(shard))
                self._initdb(engine)
            with engine.begin() as connection:
                yield connection

    def dispose(self) -> None:
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


class OpenHistory(DagsterSqliteStorage):
    """Dagster's default storage, but for its event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = OpenEventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "OpenHistory":
        return cls(config_value["base_dir"], inst_data)


def _engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    # A power cut may cost the last events of a history; Dagster's own store waits for the disk
    # at each of them.
    event.listen(engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=NORMAL"))
    return engine
