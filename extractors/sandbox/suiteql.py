"""SuiteQL on SQLite: views with the vendor's names, its functions, and no way to write.

Dates leave in the account's own form (1/31/2026) unless TO_CHAR says otherwise, as they do there.
"""

import re
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from extractors.sandbox import faults
from extractors.sandbox.database import BUSY_MILLISECONDS, create_decimal_sum
from extractors.sandbox.schema import Table, decimal_text, tables_of, to_text
from extractors.sandbox.store import Store

LARGEST_PAGE = 1000
LAST_ROW = 100_000

_TOKEN = re.compile(
    r"""(?P<string>'(?:[^']|'')*')|(?P<quoted>"[^"]*")|(?P<word>[A-Za-z_][\w$]*)"""
    r"""|(?P<space>\s+)|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)
_FETCH = re.compile(r"\bFETCH\s+(?:FIRST|NEXT)\s+(\d+)\s+ROWS?\s+ONLY\s*$", re.IGNORECASE)
_BARE_COLUMN = re.compile(r'^(?:"?\w+"?\s*\.\s*)?"?(\w+)"?(?:\s+(?:AS\s+)?(\w+))?$', re.IGNORECASE)
_ALIASED = re.compile(r"""(?:\sAS\s+|[\s)])"?[A-Za-z_]\w*"?$""", re.IGNORECASE)
_FUNCTIONS = frozenset(
    re.split(
        r"\s+",
        """abs avg coalesce concat count instr length like lower ltrim max min mod nullif nvl nvl2
        rank replace round row_number rtrim substr sum to_char to_date to_timestamp trim upper""",
    )
)
_NOT_SUITEQL = {"LIMIT", "OFFSET", "PRAGMA", "ATTACH", "GLOB", "REGEXP"}
_FORMATS = (
    ("YYYY", "%Y"),
    ("MM", "%m"),
    ("MON", "%b"),
    ("DD", "%d"),
    ("HH24", "%H"),
    ("MI", "%M"),
    ("SS", "%S"),
)


class SuiteqlError(Exception):
    """A query that NetSuite refuses; the message says why."""


@dataclass(frozen=True)
class Page:
    """One window of a result, every value a string, nulls left out."""

    items: list[dict[str, str]]
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

    def page(self, query: str, limit: int, offset: int) -> Page:
        """A window of a query's rows; reads only what the vendor's tables show."""
        sql = _translated(query)
        whole, shown = self._current_readers()
        reader = whole if _is_total(query) else shown
        try:
            window = f"SELECT * FROM ({sql}) LIMIT {limit + 1} OFFSET {offset}"
            names, rows, tables = reader.rows(window)
            if sql not in self._totals:
                self._totals[sql] = whole.rows(f"SELECT COUNT(*) FROM ({sql})")[1][0][0]
        except sqlite3.Error as error:
            raise SuiteqlError(_plain(str(error))) from error
        columns = _output(sql, names)
        items = [_item(columns, row) for row in rows[:limit]]
        return Page(items, self._totals[sql], len(rows) > limit, tables)

    def _current_readers(self) -> tuple["_Reader", "_Reader"]:
        """(one that sees every row, one that the drops hide rows from) of the file as it is now."""
        version = self._watch.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            for reader in self._readers:
                reader.close()
            self._totals.clear()
            self._readers = [_Reader(self._store, hides_dropped=False)]
            if faults.drops_any(self._store, "netsuite"):
                self._readers.append(_Reader(self._store, hides_dropped=True))
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

    def __init__(self, store: Store, *, hides_dropped: bool) -> None:
        self._tables: set[str] = set()
        self._connection = _connect(store)
        for name, parameters, function in _FUNCTION_TABLE:
            self._connection.create_function(name, parameters, function, deterministic=True)
        create_decimal_sum(self._connection, "sum")
        for table in tables_of("netsuite").values():
            self._connection.execute(_view(store, table, hides_dropped=hides_dropped))
        self._connection.set_authorizer(self._authorize)

    def rows(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]], frozenset[str]]:
        """(column names, rows, tables that were read)."""
        self._tables.clear()
        cursor = self._connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return names, cursor.fetchall(), frozenset(self._tables)

    def close(self) -> None:
        self._connection.close()

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and str(second).lower() in _FUNCTIONS:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and first is not None:
            name = first.removeprefix("netsuite_").lower()
            if name in _NAMES or not name.startswith(("salesforce_", "stripe", "sqlite_", "meta")):
                self._tables.update({name} & _NAMES)
                return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


_NAMES = frozenset(tables_of("netsuite"))


def _view(store: Store, table: Table, *, hides_dropped: bool) -> str:
    conditions = ["1"]
    hidden = faults.dropped(store, "netsuite", table.name) if hides_dropped else ()
    if hidden:
        listed = ", ".join("'" + key.replace("'", "''") + "'" for key in sorted(hidden))
        conditions.append(f'"{table.key[-1]}" NOT IN ({listed})')
    until = faults.visible_until(store, "netsuite", table.name)
    if until is not None and table.created_column:
        conditions.append(f"\"{table.created_column}\" <= '{to_text(until, 'netsuite')}'")
    where = " AND ".join(conditions)
    return f'CREATE TEMP VIEW "{table.name}" AS SELECT * FROM main.{table.sql_name} WHERE {where}'


def _translated(query: str) -> str:
    """The query as SQLite reads it; what SuiteQL does not know is refused, not run."""
    text = _FETCH.sub(r"LIMIT_\1", query.strip())
    words = []
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "word":
            token = _word(token)
        elif kind == "sign" and token in {";", "`", "["}:
            raise SuiteqlError(f"Invalid or unsupported search: unexpected {token}")
        words.append(" " if kind == "comment" else token)
    sql = "".join(words).strip()
    if not re.match(r"(SELECT|WITH)\b", sql, re.IGNORECASE):
        raise SuiteqlError("Invalid or unsupported search: only SELECT is possible")
    return sql


def _word(word: str) -> str:
    if word.startswith("LIMIT_"):
        return f"LIMIT {word.removeprefix('LIMIT_')}"
    if word.upper() in _NOT_SUITEQL:
        raise SuiteqlError(f"Invalid or unsupported search: unexpected {word}")
    return '"transaction"' if word.lower() == "transaction" else word


def _is_total(query: str) -> bool:
    """Whether the answer is a number over the whole table rather than its rows."""
    return re.match(r"\s*SELECT\s+(?:COUNT|SUM)\s*\(", query, re.IGNORECASE) is not None


def _plain(message: str) -> str:
    missing = re.match(r"no such (table|column): (?:temp\.|main\.)?(.+)", message)
    if missing:
        kind = "Record" if missing.group(1) == "table" else "Field"
        return f"Search error occurred: {kind} '{missing.group(2)}' was not found."
    return f"Search error occurred: Invalid or unsupported search: {message}"


def _output(sql: str, names: list[str]) -> list[tuple[str, bool]]:
    """(key, whether it is a bare date) of each output column."""
    selected = _select_list(sql)
    if len(selected) != len(names):
        return [(name.lower(), name.lower() in _DATE_COLUMNS) for name in names]
    columns = []
    for name, text in zip(names, selected, strict=True):
        bare = _BARE_COLUMN.match(text)
        if bare:
            columns.append((name.lower(), bare.group(1).lower() in _DATE_COLUMNS))
        elif _ALIASED.search(text):
            columns.append((name.lower(), False))
        else:
            unnamed = sum(key.startswith("expr") for key, _ in columns) + 1
            columns.append((f"expr{unnamed}", False))
    return columns


_DATE_COLUMNS = frozenset(
    column
    for table in tables_of("netsuite").values()
    for column, kind in table.columns.items()
    if kind in {"date", "datetime"}
)


def _select_list(sql: str) -> list[str]:
    """The texts between the first SELECT and its FROM, parted at commas outside parentheses."""
    depth, parts, begun = 0, [""], False
    for match in _TOKEN.finditer(sql):
        text = match.group()
        depth += {"(": 1, ")": -1}.get(text, 0)
        if not begun:
            begun = text.upper() == "SELECT" and depth == 0
        elif depth == 0 and text.upper() == "FROM":
            break
        elif depth == 0 and text == ",":
            parts.append("")
        else:
            parts[-1] += text
    return [re.sub(r"^DISTINCT\s+", "", part.strip(), flags=re.IGNORECASE) for part in parts]


def _item(columns: list[tuple[str, bool]], row: tuple[Any, ...]) -> dict[str, str]:
    item = {}
    for (name, is_date), value in zip(columns, row, strict=True):
        text = decimal_text(value)
        if text is not None:
            item[name] = _account_date(text) if is_date else text
    return item


def _account_date(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{at.month}/{at.day}/{at.year}"


def _to_char(value: Any, form: str | None = None) -> str | None:
    if value is None:
        return None
    if form is None:
        return decimal_text(value)
    return datetime.fromisoformat(str(value)).strftime(_python_format(form))


def _to_date(value: str | None, form: str = "YYYY-MM-DD") -> str | None:
    """A time as it is stored; midnight as the bare day, so that days and times compare."""
    if value is None:
        return None
    at = datetime.strptime(value, _python_format(form))  # noqa: DTZ007
    if at.time() == datetime.min.time():
        return date.isoformat(at)[:10]
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _python_format(form: str) -> str:
    for oracle, python in _FORMATS:
        form = form.replace(oracle, python).replace(oracle.lower(), python)
    if re.sub(r"%[A-Za-z]", "", form).strip("-/: .,T"):
        raise ValueError(f"unknown date format {form}")
    return form


def _nvl(value: Any, other: Any) -> Any:
    return other if value is None else value


def _nvl2(value: Any, present: Any, absent: Any) -> Any:
    return absent if value is None else present


_FUNCTION_TABLE: tuple[tuple[str, int, Any], ...] = (
    ("TO_CHAR", 1, _to_char),
    ("TO_CHAR", 2, _to_char),
    ("TO_DATE", 2, _to_date),
    ("TO_TIMESTAMP", 2, _to_date),
    ("NVL", 2, _nvl),
    ("NVL2", 3, _nvl2),
    ("MOD", 2, lambda value, by: value % by),
)
