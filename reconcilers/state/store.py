"""Opens the state store and gives out transactions; the only place that knows its dialects."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import SingletonThreadPool
from sqlalchemy.schema import CreateSchema

from reconcilers.state.migrations.heads import HEADS

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATION_LOCK = 7_401_883  # any constant; it names our advisory lock on PostgreSQL
BUSY_SECONDS = 30
_AGAIN_SECONDS = 0.01
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """An open state store. Sessions are short: one transaction for each step of a night."""

    engine: Engine

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A write transaction: everything in the block is kept, or nothing is."""
        writer = self.engine.execution_options(tieout_writes=True)
        with Session(writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent view; what is changed inside is not kept."""
        reader = self.engine
        if reader.dialect.name == "postgresql":  # by default each statement sees its own moment
            reader = reader.execution_options(isolation_level="REPEATABLE READ")
        with Session(reader, expire_on_commit=False) as session:
            yield session

    async def off_loop(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function brings that works on this store, without holding up an event loop.

        A store in memory is there for its own thread only.
        """
        if isinstance(self.engine.pool, SingletonThreadPool):
            return function(*args, **kwargs)
        return await asyncio.to_thread(function, *args, **kwargs)

    def close(self) -> None:
        self.engine.dispose()


def open_state(url: str, schema: str = "") -> State:
    """The store at `url` (`sqlite:///file.db`, `postgresql+psycopg://...`), brought up to date.

    A plain path is taken for a SQLite file. With `schema` it is that schema of a PostgreSQL
    database alone, made if it is not there. Migrations run under a lock, so that any number
    of processes may open one store at once.
    """
    parsed = make_url(url if "://" in url else f"sqlite:///{url}")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
        _tune_sqlite(engine)
    else:
        engine = create_engine(_within(parsed, schema), pool_pre_ping=True)
    _migrate(engine, schema)
    return State(engine)


def _within(url: URL, schema: str) -> URL:
    """As an option of each connection: no statement can come before it, or change it unseen."""
    if not schema:
        return url
    told = url.query.get("options", "")
    options = told if isinstance(told, str) else " ".join(told)
    return url.update_query_dict({"options": f'{options} -csearch_path="{schema}"'.strip()})


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")  # an intent must outlive a power cut
        connection.execute("PRAGMA foreign_keys = ON")
        # KiB; with SQLite's own 2 MB an index of millions of ids writes each page many times
        connection.execute("PRAGMA cache_size = -131072")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A deferred transaction that turns writer can fail at once when another wrote meanwhile;
        # writers therefore queue from their first statement.
        writes = connection.get_execution_options().get("tieout_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _write_ahead(connection: Any) -> None:
    """Whoever does it to a new file beside others is refused at once, whatever its timeout is."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def _migrate(engine: Engine, schema: str) -> None:
    with engine.connect() as connection:
        if revisions(connection) == HEADS:
            return
    from alembic import command

    with engine.execution_options(tieout_writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        # who may not make one may use one that is there
        if schema and not inspect(connection).has_schema(schema):
            connection.execute(CreateSchema(schema))
        # several heads: those who add a migration side by side do not wait for each other
        command.upgrade(migration_config(connection), "heads")


def revisions(connection: Connection) -> set[str]:
    """The newest migrations that the store has, of each branch."""
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return {*connection.scalars(text("SELECT version_num FROM alembic_version"))}


def migration_config(connection: Connection) -> "Config":
    """Alembic's settings for the migrations inside this package, on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("reconcilers.state") / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
