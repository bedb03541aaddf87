"""A place inside the engine for everything that identity works out, gone when the step ends.

The tables stand in an in-memory catalog beside the warehouse, so that nothing of them, nor of the
scorer's, is left behind, and large ones can spill to disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

_CATALOG = "identity_work"


@dataclass(frozen=True)
class Work:
    """An open connection whose current catalog is the workspace; `home` names the warehouse's."""

    con: duckdb.DuckDBPyConnection
    home: str

    def run(self, statement: str, **values: object) -> None:
        self.con.execute(statement.format(**values) if values else statement)

    def drop(self, *tables: str) -> None:
        """Give back the memory of tables that nobody asks any more."""
        for table in tables:
            self.run(f"drop table if exists identity_{table}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.sql(query).fetchall()

    def count(self, what: str) -> int:
        return int(self.rows(f"select count(*) from {what}")[0][0])

    def has(self, table: str) -> bool:
        """Whether the warehouse holds that table, such as `seeds.free_mail_domains`."""
        schema, _, name = table.partition(".")
        found = self.con.sql(
            "select count(*) from information_schema.tables "
            "where table_catalog = ? and table_schema = ? and table_name = ?",
            params=[self.home, schema, name],
        ).fetchall()
        return bool(found[0][0])


@contextmanager
def workspace(con: duckdb.DuckDBPyConnection) -> Iterator[Work]:
    """Attach the workspace and make it current; the warehouse stays readable under `home`."""
    ((home,),) = con.sql("select current_database()").fetchall()
    con.execute(f"attach ':memory:' as {_CATALOG}")
    con.execute(f"use {_CATALOG}")
    try:
        yield Work(con, home)
    finally:
        con.execute(f'use "{home}"')
        con.execute(f"detach {_CATALOG}")
