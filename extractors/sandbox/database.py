"""The sandbox's SQLite file: connection, transactions, clock and settings.

Several processes share the file (the servers and whoever controls them), hence WAL and
BEGIN IMMEDIATE; of what is read only the settings are kept, for as long as the file stays the same.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from extractors.sandbox.schema import double_text

BUSY_MILLISECONDS = 60_000
FIRST_MOMENT = datetime(2026, 1, 1, 2, tzinfo=UTC)


class DecimalSum:
    """SUM that stays exact where SQLite's own would go through floats."""

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, value: float | str | None) -> None:
        if value is not None:
            self._total = (self._total or Decimal(0)) + Decimal(str(value))

    def finalize(self) -> str | None:
        return None if self._total is None else format(self._total, "f")


def create_decimal_sum(connection: sqlite3.Connection, name: str) -> None:
    connection.create_aggregate(name, 1, DecimalSum)  # type: ignore[arg-type]


class Database:
    """The file: one connection that writes, and one for each thread that reads.

    Inside of a transaction its thread reads what it wrote; all others read what was committed.

    `account`: the Stripe account whose objects are read and written; "" is the company's own.
    """

    def __init__(self, path: Path | str, account: str = "") -> None:
        self.path = Path(path)
        self.account = account
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._writing: int | None = None
        self._threads = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._connection = self._connect()
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def _connect(self) -> sqlite3.Connection:
        opened = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        create_decimal_sum(opened, "decimal_sum")
        opened.create_function("double_text", 1, double_text, deterministic=True)
        opened.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        opened.execute("PRAGMA cache_size=-65536")
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        with self._lock:
            for opened in self._opened:
                opened.close()

    def create(self, statements: Iterable[str]) -> None:
        with self.transaction():
            for statement in statements:
                self.execute(statement)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._reader().execute(sql, parameters).fetchall()

    def _reader(self) -> sqlite3.Connection:
        if self._writing == threading.get_ident():
            return self._connection
        reader: sqlite3.Connection | None = getattr(self._threads, "reader", None)
        if reader is None:
            reader = self._connect()
            reader.execute("PRAGMA query_only=1")
            self._threads.reader, self._threads.settings = reader, (None, {})
        return reader

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Number of rows changed."""
        with self._lock:
            return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._lock:
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction inside another is part of it."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
                self._writing = threading.get_ident()
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1
                if outermost:
                    self._writing = None

    def meta(self, key: str, default: Any = None) -> Any:
        text = self._meta_text(key)
        return default if text is None else json.loads(text)

    def _meta_text(self, key: str) -> str | None:
        """Settings are read with every request: what was read is kept until anybody writes."""
        sql, reader = "SELECT value FROM meta WHERE key = ?", self._reader()
        if reader is self._connection:
            found = reader.execute(sql, (key,)).fetchone()
            return found[0] if found else None
        version = reader.execute("PRAGMA data_version").fetchone()[0]
        known: dict[str, str | None]
        known_version, known = self._threads.settings
        if version != known_version:
            known = {}
            self._threads.settings = (version, known)
        if key not in known:
            found = reader.execute(sql, (key,)).fetchone()
            known[key] = found[0] if found else None
        return known[key]

    def set_meta(self, key: str, value: Any) -> None:
        """Keep any JSON value; None removes it."""
        if value is None:
            self.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            sql = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
            self.execute(sql, (key, json.dumps(value)))

    def now(self) -> datetime:
        """The sandbox's clock (UTC, whole seconds); only ticks and `advance_clock` move it."""
        at = self.meta("clock")
        return datetime.fromisoformat(at) if at else FIRST_MOMENT

    def set_clock(self, at: datetime) -> None:
        self.set_meta("clock", at.astimezone(UTC).replace(microsecond=0).isoformat())

    def advance_clock(self, delta: timedelta) -> datetime:
        with self.transaction():
            self.set_clock(self.now() + delta)
            return self.now()

    def tick(self) -> datetime:
        """Move the clock by the second that a write takes: stamps keep the order of writes."""
        return self.advance_clock(timedelta(seconds=1))
