"""Answers SOQL queries page by page."""

import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractors.sandbox import faults
from extractors.sandbox.ids import salesforce_key
from extractors.sandbox.salesforce_render import ROW, json_object
from extractors.sandbox.schema import Table, double_text, to_text
from extractors.sandbox.soql import Children, Query, Selected, SoqlError, parse
from extractors.sandbox.store import Store

API = "/services/data/v62.0"
SMALLEST_PAGE = 200
LARGEST_PAGE = 2000
# A user's eleventh open cursor closes the oldest.
CURSORS_KEPT = 10
PAGE_ROWS = "salesforce_page_rows"
"""Setting: the most rows of an answer, whatever a client asks for, as where rows are wide."""
_BATCH_SIZE = re.compile(r"batchSize=(\d+)")


@dataclass(frozen=True)
class Page:
    """One answer, as JSON text, and the object that was asked."""

    object: str
    text: str


@dataclass(frozen=True)
class Cursor:
    """A query's result as it was when asked: the ids, to be read page by page."""

    query: Query
    keys: Sequence[str]
    total: int
    include_deleted: bool


class Queries:
    """Runs queries and keeps the cursors of those that have more pages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._opened = 0

    def start(self, soql: str, *, include_deleted: bool, page_size: int, root: str = API) -> Page:
        """The first page; a malformed query raises SoqlError."""
        query = parse(soql)
        if query.is_aggregate:
            return self._aggregates(query, include_deleted=include_deleted)
        if query.is_count:
            where, parameters = conditions(self._store, query, include_deleted=include_deleted)
            sql = f"SELECT COUNT(*) FROM {query.table.sql_name}{where}"
            return _page(query, self._store.query(sql, parameters)[0][0], None, [])
        cursor = self._open(query, include_deleted=include_deleted)
        return self._read(cursor, 0, page_size, None, root)

    def more(self, locator: str, page_size: int, root: str = API) -> Page:
        """The page that a nextRecordsUrl names."""
        name, _, position = locator.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not position.isdecimal() or int(position) >= len(cursor.keys):
            raise SoqlError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._read(cursor, int(position), page_size, name, root)

    def _open(self, query: Query, *, include_deleted: bool) -> Cursor:
        found = matching_keys(self._store, query, include_deleted=include_deleted)
        hidden = faults.dropped(self._store, "salesforce", query.table.name)
        keys = [key for key in found if key not in hidden] if hidden else found
        return Cursor(query, keys, len(found), include_deleted)

    def _aggregates(self, query: Query, *, include_deleted: bool) -> Page:
        where, parameters = conditions(self._store, query, include_deleted=include_deleted)
        columns = ", ".join(selected.sql for selected in query.selected)
        grouped = f" GROUP BY {', '.join(query.group_by)}" if query.group_by else ""
        sql = f"SELECT {columns} FROM {query.table.sql_name}{where}{grouped}{query.tail}"
        records = [
            '{"attributes":{"type":"AggregateResult"},' + _aggregate(query.selected, row) + "}"
            for row in self._store.query(sql, parameters)
        ]
        return _page(query, len(records), None, records)

    def _read(
        self, cursor: Cursor, position: int, page_size: int, name: str | None, root: str
    ) -> Page:
        page_size = min(page_size, self._store.meta(PAGE_ROWS, LARGEST_PAGE))
        keys = cursor.keys[position : position + page_size]
        following = position + len(keys)
        if cursor.query.children:
            records, taken = self._families(cursor, keys, page_size, root)
            following = position + taken
        else:
            records = self._records(cursor.query, keys, root)
        url = None
        if following < len(cursor.keys):
            url = f"{root}/query/{name or self._keep(cursor)}-{following}"
        return _page(cursor.query, cursor.total, url, records)

    def _keep(self, cursor: Cursor) -> str:
        self._opened += 1
        name = salesforce_key("01g", self._opened)
        self._cursors[name] = cursor
        if len(self._cursors) > CURSORS_KEPT:
            self._cursors.popitem(last=False)
        return name

    def _records(self, query: Query, keys: Sequence[str], root: str) -> list[str]:
        rendered = json_object(query.table, query.selected, root)
        return [text for (text,) in read_rows(self._store, query.table, rendered, keys)]

    def _families(
        self, cursor: Cursor, keys: Sequence[str], page_size: int, root: str
    ) -> tuple[list[str], int]:
        """Records with their children, all of whom count towards the size of the page.

        Second: how many of the keys were used up.
        """
        families: list[str] = []
        left = page_size
        for used, key in enumerate(keys):
            if left <= 0:
                return families, used
            record = self._records(cursor.query, [key], root)
            if not record:
                continue
            left -= 1
            members = []
            for children in cursor.query.children:
                text, taken = self._children(cursor, children, key, max(left, 0), root)
                members.append(f',"{children.name}":{text}')
                left -= taken
            families.append(record[0][:-1] + "".join(members) + "}")
        return families, len(keys)

    def _children(
        self, cursor: Cursor, children: Children, parent: str, left: int, root: str
    ) -> tuple[str, int]:
        """The children of one record as far as they fit, and how many those are."""
        found = matching_keys(
            self._store,
            children.query,
            include_deleted=cursor.include_deleted,
            parent=(children.column, parent),
        )
        if not found:
            return "null", 0
        taken = found[:left]
        url = None
        if len(taken) < len(found):
            own = Cursor(children.query, found, len(found), cursor.include_deleted)
            url = f"{root}/query/{self._keep(own)}-{len(taken)}"
        records = self._records(children.query, taken, root)
        return _page(children.query, len(found), url, records).text, len(taken)


def conditions(
    store: Store,
    query: Query,
    *,
    include_deleted: bool,
    parent: tuple[str, str] | None = None,
) -> tuple[str, list[Any]]:
    """The WHERE of a query, and its parameters."""
    terms, parameters = [query.where], list(query.parameters)
    if not include_deleted:
        terms.append('"IsDeleted" IS NOT 1')
    until = faults.visible_until(store, "salesforce", query.table.name)
    if until is not None:
        terms.append('"CreatedDate" <= ?')
        parameters.append(to_text(until, "salesforce"))
    if parent is not None:
        terms.append(f'"{parent[0]}" = ?')
        parameters.append(parent[1])
    return f" WHERE {' AND '.join(terms)}", parameters


def matching_keys(
    store: Store,
    query: Query,
    *,
    include_deleted: bool,
    parent: tuple[str, str] | None = None,
) -> list[str]:
    """The ids of all rows that a query finds, in its order."""
    where, parameters = conditions(store, query, include_deleted=include_deleted, parent=parent)
    sql = f'SELECT "Id" FROM {query.table.sql_name}{where}{query.tail}'
    return [key for (key,) in store.query(sql, parameters)]


def read_rows(
    store: Store, table: Table, rendered: str, keys: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The rows of these ids, rendered, in the order of the ids; what is gone is left out."""
    # A cross join is never turned around: the rows come in the order of the array.
    sql = (
        f"SELECT {rendered} FROM json_each(?) wanted "
        f'CROSS JOIN {table.sql_name} {ROW} ON {ROW}."Id" = wanted.value'
    )
    return store.query(sql, (json.dumps(keys),))


def _page(query: Query, total: int, next_url: str | None, records: Sequence[str]) -> Page:
    following = f',"nextRecordsUrl":"{next_url}"' if next_url else ""
    done = "false" if next_url else "true"
    text = f'{{"totalSize":{total},"done":{done}{following},"records":[{",".join(records)}]}}'
    return Page(query.table.name, text)


def page_size_of(options: str | None) -> int:
    """What `Sforce-Query-Options: batchSize=N` asks, within what Salesforce allows."""
    match = _BATCH_SIZE.search(options or "")
    return min(max(int(match.group(1)), SMALLEST_PAGE), LARGEST_PAGE) if match else LARGEST_PAGE


def _aggregate(selected: Sequence[Selected], row: Sequence[Any]) -> str:
    pairs = zip(selected, row, strict=True)
    return ",".join(f'"{item.name}":{_json(item, value)}' for item, value in pairs)


def _json(item: Selected, value: Any) -> str:
    if item.kind == "boolean":
        return "true" if value else "false"
    if item.kind == "decimal":
        return double_text(value) or "null"
    return json.dumps(value)
