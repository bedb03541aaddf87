"""SuiteQL on SQLite: views with the vendor's names, its functions, and no way to write.

A page leaves SQLite as JSON text, since a night asks for hundreds of thousands of rows.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extractors.sandbox import faults
from extractors.sandbox.database import BUSY_MILLISECONDS, create_decimal_sum
from extractors.sandbox.netsuite_account import Account, account
from extractors.sandbox.schema import Table, tables_of, to_text
from extractors.sandbox.store import Store
from extractors.sandbox.suiteql_functions import ALLOWED, functions
from extractors.sandbox.suiteql_translation import (
    UTC_SUFFIX,
    OutputKind,
    Query,
    SuiteqlError,
    outputs,
    sources,
    translated,
    united,
)

LARGEST_PAGE = 1000
LAST_ROW = 100_000

_BOOK = "accountingbook"
_TABLES = tables_of("netsuite")


@dataclass(frozen=True)
class Page:
    """One window of a result: items as JSON text, every value a string, nulls left out."""

    items: list[str]
    total: int
    has_more: bool
    tables: frozenset[str]


class SuiteQL:
    """Answers queries; keeps its connections and the totals of results until the file changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watch = _connect(store)
        self._version: int | None = None
        self._readers: list[_Reader] = []
        self._totals: dict[str, int] = {}

    def page(self, text: str, limit: int, offset: int) -> Page:
        """A window of a query's rows; reads only what the vendor's tables show."""
        whole, shown = self._current_readers()
        parts = united(text) if shown is not whole else [text]
        if len(parts) > 1:
            return self._mixed(parts, limit, offset)
        query = translated(text)
        reader = whole if query.is_total else shown
        try:
            rows, tables = reader.items(query, limit + 1, offset)
            is_whole = not offset and len(rows) <= limit and reader is whole
            total = len(rows) if is_whole else self._total(query, whole)
        except sqlite3.Error as error:
            raise SuiteqlError(_plain(str(error), query.sql)) from error
        return Page(rows[:limit], total, len(rows) > limit, tables)

    def _mixed(self, parts: list[str], limit: int, offset: int) -> Page:
        """Totals and rows by one query, where the drops hide rows from the rows alone."""
        pages = [self.page(part, LARGEST_PAGE, 0) for part in parts]
        items = [item for page in pages for item in page.items]
        tables = frozenset(table for page in pages for table in page.tables)
        end = offset + limit
        return Page(items[offset:end], sum(p.total for p in pages), len(items) > end, tables)

    def _total(self, query: Query, reader: "_Reader") -> int:
        if query.unordered not in self._totals:
            self._totals[query.unordered] = reader.count(query)
        return self._totals[query.unordered]

    def _current_readers(self) -> tuple["_Reader", "_Reader"]:
        """(one that sees every row, one that the drops hide rows from) of the file as it is now."""
        version = self._watch.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            for reader in self._readers:
                reader.close()
            self._totals.clear()
            set_up = account(self._store)
            self._readers = [_Reader(self._store, set_up, hides_dropped=False)]
            if faults.drops_any(self._store, "netsuite"):
                self._readers.append(_Reader(self._store, set_up, hides_dropped=True))
            self._version = version
        return self._readers[0], self._readers[-1]


def _connect(store: Store) -> sqlite3.Connection:
    """Read-only; statements are not cached, since preparing one tells which tables it reads."""
    address = f"{store.path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(
        address, uri=True, isolation_level=None, cached_statements=0, check_same_thread=False
    )
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    return connection


class _Reader:
    """A read-only connection that sees one view per NetSuite table and nothing else."""

    def __init__(self, store: Store, set_up: Account, *, hides_dropped: bool) -> None:
        self._tables: set[str] = set()
        self._connection = _connect(store)
        for name, parameters, function in functions(set_up):
            self._connection.create_function(name, parameters, function, deterministic=True)
        create_decimal_sum(self._connection, "sum")
        for table in _TABLES.values():
            if table.name not in set_up.absent:
                self._connection.execute(_view(store, set_up, table, hides_dropped=hides_dropped))
        self._is_local = set_up.number_format != Account.number_format
        self._connection.set_authorizer(self._authorize)

    def items(self, query: Query, limit: int, offset: int) -> tuple[list[str], frozenset[str]]:
        """(rows as JSON objects, tables that were read)."""
        self._tables.clear()
        described = self._connection.execute(f"SELECT * FROM ({query.sql}) LIMIT 0")
        names = [column[0] for column in described.description]
        columns = [
            (f'"{number}"', key, kind)
            for number, (name, (key, kind)) in enumerate(
                zip(names, outputs(query.sql, names), strict=True)
            )
            if not (name.endswith(UTC_SUFFIX) and name.lower() == key)
        ]
        numbers = ", ".join(f'"{number}"' for number in range(len(names)))
        window = f"SELECT * FROM ({query.sql}) LIMIT {limit} OFFSET {offset}"
        members = " || ".join(self._member(*column) for column in columns)
        sql = f"WITH page ({numbers}) AS ({window}) SELECT {_OPEN} || {members} || '}}' FROM page"
        tables = frozenset(self._tables)
        self._connection.set_authorizer(None)
        try:
            return [row[0] for row in self._connection.execute(sql)], tables
        finally:
            self._connection.set_authorizer(self._authorize)

    def count(self, query: Query) -> int:
        return self._connection.execute(f"SELECT COUNT(*) FROM ({query.unordered})").fetchone()[0]

    def close(self) -> None:
        self._connection.close()

    def _member(self, column: str, key: str, kind: OutputKind) -> str:
        """SQL for `,"key":"value"`, or for nothing where the value is null."""
        if kind == "date":
            text = f"account_date({column})"
        elif kind == "decimal" and self._is_local:
            text = f"account_number({column})"
        else:
            text = _PLAIN.format(column=column)
        name = json.dumps(key).replace("'", "''")
        return f"iif({column} IS NULL, '', ',{name}:' || json_quote({text}))"

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and str(second).lower() in _CALLABLE:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and first is not None:
            name = first.removeprefix("netsuite_").lower()
            if name in _TABLES or not name.startswith(("salesforce_", "stripe", "sqlite_", "meta")):
                self._tables.update({name} & _TABLES.keys())
                return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


# The views call this one; queries may not, see _NOT_SUITEQL.
_CALLABLE = ALLOWED | {"account_time"}
_OPEN = """'{"links":[]'"""
# Whole numbers without a fraction, and none with an exponent.
_PLAIN = (
    "CASE typeof({column}) WHEN 'real' THEN CASE WHEN abs({column}) >= 0.001 "
    "AND abs({column}) < 1e15 THEN rtrim(rtrim(CAST({column} AS TEXT), '0'), '.') "
    "ELSE rtrim(rtrim(printf('%.12f', {column}), '0'), '.') END "
    "ELSE CAST({column} AS TEXT) END"
)


def _view(store: Store, set_up: Account, table: Table, *, hides_dropped: bool) -> str:
    conditions = ["1"]
    hidden = faults.dropped(store, "netsuite", table.name) if hides_dropped else ()
    if hidden:
        listed = ", ".join("'" + key.replace("'", "''") + "'" for key in sorted(hidden))
        conditions.append(f'"{table.key[-1]}" NOT IN ({listed})')
    until = faults.visible_until(store, "netsuite", table.name)
    if until is not None and table.created_column:
        conditions.append(f"\"{table.created_column}\" <= '{to_text(until, 'netsuite')}'")
    where = " AND ".join(conditions)
    select = _selects(set_up, table)
    rows = f"SELECT {select({})} FROM main.{table.sql_name} WHERE {where}"
    if set_up.second_book and _BOOK in table.columns:
        rows += (
            f" UNION ALL SELECT {select({_BOOK: '2'})} FROM main.{table.sql_name} AS first "
            f"WHERE {where} AND {_BOOK} = 1 AND NOT EXISTS (SELECT 1 FROM main.{table.sql_name} "
            f'AS other WHERE other."transaction" = first."transaction" AND '
            f"other.transactionline = first.transactionline AND other.{_BOOK} = 2)"
        )
    return f'CREATE TEMP VIEW "{table.name}" AS {rows}'


def _selects(set_up: Account, table: Table) -> Callable[[Mapping[str, str]], str]:
    """A select list with times by the account's clock; the argument sets columns otherwise."""
    is_local = set_up.time_zone != Account.time_zone
    shown = [name for name in table.columns if f"{table.name}.{name}" not in set_up.absent]

    def select(replaced: Mapping[str, str]) -> str:
        columns = []
        for name in shown:
            is_time = table.columns[name] == "datetime"
            value = f'account_time("{name}")' if is_time and is_local else f'"{name}"'
            columns.append(f'{replaced.get(name, value)} AS "{name}"')
            if is_time:
                columns.append(f'"{name}" AS "{name}{UTC_SUFFIX}"')
        return ", ".join(columns)

    return select


def _plain(message: str, sql: str) -> str:
    """SQLite's refusal in the vendor's words."""
    kind, _, name = message.partition(": ")
    name = name.rpartition(".")[2].removesuffix(UTC_SUFFIX)
    if kind == "no such table":
        return f"Search error occurred: Record '{name}' was not found."
    if kind == "no such column":
        known: Mapping[str, Any] = sources(sql)
        listed = ", ".join(f"{alias}={table}" for alias, table in known.items())
        return (
            f"Search error occurred: Unknown identifier '{name}'. "
            f"Available identifiers are: {{{listed}}}"
        )
    return f"Search error occurred: Invalid or unsupported search: {message}"
