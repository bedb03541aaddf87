"""Answers SOQL queries page by page."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractors.sandbox import faults
from extractors.sandbox.ids import salesforce_key
from extractors.sandbox.schema import Kind, Table, to_text
from extractors.sandbox.soql import Query, SoqlError, parse
from extractors.sandbox.store import Store

API = "/services/data/v62.0"
SMALLEST_PAGE = 200
LARGEST_PAGE = 2000
CURSORS_KEPT = 50
_BATCH_SIZE = re.compile(r"batchSize=(\d+)")


@dataclass(frozen=True)
class Cursor:
    """A query's result as it was when asked: the ids, to be read page by page."""

    query: Query
    keys: Sequence[str]
    total: int


class Queries:
    """Runs queries and keeps the cursors of those that have more pages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._opened = 0

    def start(self, soql: str, *, include_deleted: bool, page_size: int) -> dict[str, Any]:
        """The first page and the object asked; a malformed query raises SoqlError."""
        query = parse(soql)
        conditions, parameters = self._conditions(query, include_deleted=include_deleted)
        table = query.table.sql_name
        if query.is_count:
            count = self._store.query(f"SELECT COUNT(*) FROM {table}{conditions}", parameters)
            return _whole(query, count[0][0], [])
        if query.is_aggregate:
            return self._aggregates(query, conditions, parameters)
        found = self._store.query(f'SELECT "Id" FROM {table}{conditions}{query.tail}', parameters)
        hidden = faults.dropped(self._store, "salesforce", query.table.name)
        keys = [key for (key,) in found if key not in hidden]
        return self._page(Cursor(query, keys, len(found)), 0, page_size, None)

    def more(self, locator: str, page_size: int) -> dict[str, Any]:
        """The page that a nextRecordsUrl names."""
        name, _, position = locator.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not position.isdecimal() or int(position) >= len(cursor.keys):
            raise SoqlError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(cursor, int(position), page_size, name)

    def _conditions(self, query: Query, *, include_deleted: bool) -> tuple[str, list[Any]]:
        conditions, parameters = [query.where], list(query.parameters)
        if not include_deleted:
            conditions.append('"IsDeleted" IS NOT 1')
        until = faults.visible_until(self._store, "salesforce", query.table.name)
        if until is not None:
            conditions.append('"CreatedDate" <= ?')
            parameters.append(to_text(until, "salesforce"))
        grouped = f" GROUP BY {', '.join(query.group_by)}" if query.group_by else ""
        return f" WHERE {' AND '.join(conditions)}{grouped}", parameters

    def _aggregates(
        self, query: Query, conditions: str, parameters: Sequence[Any]
    ) -> dict[str, Any]:
        columns = ", ".join(selected.sql for selected in query.selected)
        sql = f"SELECT {columns} FROM {query.table.sql_name}{conditions}{query.tail}"
        attributes = {"attributes": {"type": "AggregateResult"}}
        records = [attributes | _fields(query, row) for row in self._store.query(sql, parameters)]
        return _whole(query, len(records), records)

    def _page(
        self, cursor: Cursor, position: int, page_size: int, name: str | None
    ) -> dict[str, Any]:
        keys = cursor.keys[position : position + page_size]
        following = position + len(keys)
        page: dict[str, Any] = {"totalSize": cursor.total, "done": following >= len(cursor.keys)}
        if not page["done"]:
            name = name or self._keep(cursor)
            page["nextRecordsUrl"] = f"{API}/query/{name}-{following}"
        page["records"] = self._records(cursor.query, keys)
        return page | {"object": cursor.query.table.name}

    def _keep(self, cursor: Cursor) -> str:
        self._opened += 1
        name = salesforce_key("01g", self._opened)
        self._cursors[name] = cursor
        if len(self._cursors) > CURSORS_KEPT:
            self._cursors.popitem(last=False)
        return name

    def _records(self, query: Query, keys: Sequence[str]) -> list[dict[str, Any]]:
        columns = ", ".join(selected.sql for selected in query.selected)
        marks = ", ".join("?" * len(keys))
        table = query.table
        sql = f'SELECT "Id", {columns} FROM {table.sql_name} WHERE "Id" IN ({marks})'
        rows = {row[0]: row[1:] for row in self._store.query(sql, keys)}
        return [
            {"attributes": attributes(table, key)} | _fields(query, rows[key])
            for key in keys
            if key in rows
        ]


def _whole(query: Query, total: int, records: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer that needs no second page."""
    answer = {"totalSize": total, "done": True, "records": records}
    return answer | {"object": query.table.name}


def page_size_of(options: str | None) -> int:
    """What `Sforce-Query-Options: batchSize=N` asks, within what Salesforce allows."""
    match = _BATCH_SIZE.search(options or "")
    return min(max(int(match.group(1)), SMALLEST_PAGE), LARGEST_PAGE) if match else LARGEST_PAGE


def attributes(table: Table, key: str) -> dict[str, str]:
    return {"type": table.name, "url": f"{API}/sobjects/{table.name}/{key}"}


def as_json(kind: Kind, value: Any) -> Any:
    """A stored value as Salesforce sends it: decimals with a fraction, flags as booleans."""
    if kind == "boolean":
        return bool(value)
    return float(value) if kind == "decimal" and value is not None else value


def _fields(query: Query, row: Sequence[Any]) -> dict[str, Any]:
    pairs = zip(query.selected, row, strict=True)
    return {selected.name: as_json(selected.kind, value) for selected, value in pairs}
