"""Reads NetSuite: pages by key, ranges of ids side by side, children by their changed parents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from extractors.calls import Dialect, Explanation, decode_text
from extractors.erp.netsuite.auth import auth_of
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.erp.netsuite.deletions import MARGIN, Deletions
from extractors.erp.netsuite.objects import (
    DELETED_RECORD_TYPES,
    OBJECTS,
    RECORD_TYPES,
    SMALL,
)
from extractors.erp.netsuite.records import fields_of
from extractors.erp.netsuite.shelf import Shelf
from extractors.erp.netsuite.suiteql import (
    PAGE_ROWS,
    SYSTEM,
    Columns,
    Row,
    ask,
    behind,
    changed_since,
    columns_of,
    items,
    key_columns,
    literal,
)
from extractors.erp.netsuite.totals import ALWAYS, DELETED_RECORD, Facts, counted
from extractors.errors import (
    Conflict,
    ContractBroken,
    RateLimited,
    SourceError,
    Unauthorized,
)
from extractors.http import HttpDoor, HttpOptions
from extractors.protocol import (
    Bookmark,
    Field,
    ObjectSpec,
    Page,
    SourceTotals,
    Start,
)
from extractors.side_by_side import together

__all__ = [
    "DEFAULT_OPTIONS",
    "OVERLAP",
    "SYSTEM",
    "NetSuiteSource",
    "connect",
    "explain",
]

API_VERSION = "v1"
# The vendor counts calls in flight per account, over all of its integrations.
DEFAULT_OPTIONS = HttpOptions(concurrency=4)
# Rows become visible when their transaction ends, which is later than their time of change.
OVERLAP = timedelta(hours=1)

# Some services answer 400 where others answer 429; a refused login is a 400, too.
_KINDS: dict[str, type[SourceError]] = {
    "CONCURRENCY_LIMIT_EXCEEDED": RateLimited,
    "SSS_REQUEST_LIMIT_EXCEEDED": RateLimited,
    "ExceededConcurrentRequestLimitFault": RateLimited,
    "RCRD_HAS_BEEN_CHANGED": Conflict,
    "IDEMPOTENCY_ERROR": Conflict,
    "invalid_client": Unauthorized,
    "invalid_grant": Unauthorized,
    "invalid_request": Unauthorized,
    "unauthorized_client": Unauthorized,
}
_PLACES = ("o:errorPath", "o:errorQueryParam", "o:errorHeader")


def connect(config: NetSuiteConfig, options: HttpOptions) -> HttpDoor:
    """The door to one account."""
    dialect = Dialect(SYSTEM, explain, decode_text, "x-n-operationid")
    return HttpDoor(config.url, dialect, options, auth=auth_of(config))


def explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:  # noqa: ARG001
    """Record and query errors carry `o:errorDetails`, login errors and scripts `error`."""
    if not isinstance(body, Mapping):
        return Explanation("no explanation given")
    told = (body.get("o:errorDetails") or [{}])[0]
    error = body.get("error")
    if isinstance(error, Mapping):
        code, message = error.get("code"), error.get("message")
    else:
        code = told.get("o:errorCode") or error
        message = told.get("detail") or body.get("error_description") or body.get("title")
    where = next((told[place] for place in _PLACES if told.get(place)), None)
    text = f"{message or 'no explanation given'}{f' (at {where})' if where else ''}"
    return Explanation(text, code, _KINDS.get(str(code)))


@dataclass(frozen=True)
class NetSuiteSource:
    """The account as a `Source`.

    A bookmark says which rows: `after` the last key seen, `until` an id (of the parent, for a
    child), changed `since`. Neither query nor columns are in it, so that it outlives both.

    What the totals before a read tell spares calls of it: a table without rows, or without
    changes, is not asked. Its watermark is then the time of the totals.
    """

    door: HttpDoor
    system: str = SYSTEM
    api_version: str = API_VERSION
    objects: Mapping[str, ObjectSpec] = field(default_factory=lambda: OBJECTS)
    page_rows: int = PAGE_ROWS
    _columns: Columns = field(default_factory=Columns, repr=False)
    _deletions: Deletions = field(default_factory=Deletions, repr=False)
    _facts: dict[str, Facts] = field(default_factory=dict, repr=False)
    _catalog: dict[str, Mapping[str, str] | None] = field(default_factory=dict, repr=False)
    _shelf: Shelf = field(
        default_factory=lambda: Shelf([OBJECTS[name] for name in SMALL]), repr=False
    )

    async def begin(
        self, spec: ObjectSpec, cursor_from: datetime | None, *, keys_only: bool = False
    ) -> Start:
        """Everything, or what was modified since; a child brings all rows of each changed parent.

        There is no upper bound to a change: a row that changes again while it is read must not
        fall out of what is read.
        """
        owner = self._parent(spec) if spec.parent else spec
        facts = None if keys_only else self._facts.pop(spec.name, None)
        high = facts.high if facts else None
        if cursor_from is None or owner.cursor is None:
            kept = None if keys_only else await self._shelf.rows(self.door, spec.name)
            if kept is not None:
                return Start("full", Page(*kept))
            if facts and not facts.count:
                return Start("full", Page(facts.served_at))
            bookmark = {"keys_only": keys_only, "high": high}
            return Start("full", await self.proceed(spec, bookmark))
        since = cursor_from - OVERLAP
        if facts and facts.changed_at < since:
            page = Page(facts.served_at)
        else:
            page = await self.proceed(spec, {"since": since.isoformat(), "high": high})
        kinds = DELETED_RECORD_TYPES.get(spec.name, ())
        listed = self._facts.get(DELETED_RECORD)
        if kinds and listed and listed.changed_at < since - MARGIN:
            page = replace(page, served_at=min(page.served_at, listed.served_at))
        elif kinds:
            listed_at, gone = await self._deletions.since(self.door, spec.name, kinds, since)
            stones = [{"id": key} for key in gone]
            served_at = min(page.served_at, listed_at)
            page = replace(page, served_at=served_at, tombstones=stones)
        return Start("incremental", page)

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        reading = self._reading(spec, bookmark)
        reply = await self._columns.ask(self.door, spec, reading.query, self.page_rows)
        rows = items(reply)
        records, stones = reading.parted(rows)
        left = int(reply.member("totalResults")) - len(rows)
        rest: Sequence[Bookmark] = ()
        if reply.member("hasMore") and rows:
            rest = await self._rest(reading, reading.key_of(rows[-1]), left)
        return Page(reply.served_at, records, stones, rest=rest)

    async def totals(
        self, specs: Sequence[ObjectSpec], *, is_first_load: bool = False
    ) -> Mapping[str, SourceTotals]:
        """All counts and control sums by one query, which also brings the small tables.

        A first load, of many calls anyway, has its sums beside its counts, and beside both it asks
        for the fields of records, which it will need.
        """
        async with together() as group:
            counting = group.create_task(
                counted(self.door, specs, self._shelf, in_parts=is_first_load)
            )
            for name in RECORD_TYPES if is_first_load else ():
                group.create_task(self._described(name))
        told = counting.result()
        self._facts.pop(DELETED_RECORD, None)
        found = {name: told.facts(name) for name in (*(s.name for s in specs), DELETED_RECORD)}
        known = {name: facts for name, facts in found.items() if facts is not None}
        for name, facts in known.items():
            spec = self.objects.get(name)
            owner = known.get(spec.parent.object) if spec and spec.parent else facts
            changed_at = owner.changed_at if owner else ALWAYS
            self._facts[name] = replace(facts, changed_at=changed_at)
        return {spec.name: told.totals(spec) for spec in specs}

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:
        """Fields of the record types that make up a table, and declared ones that it also has."""
        found = await self._described(spec.name)
        if found is None:
            return None
        present = {item.column: item.kind for item in self._columns.of(spec)}
        absent = spec.columns.keys() - present.keys()
        return {**present, **{n: kind for n, kind in found.items() if n not in absent}}

    async def _described(self, name: str) -> Mapping[str, str] | None:
        if name not in self._catalog:
            kinds = RECORD_TYPES.get(name)
            self._catalog[name] = await fields_of(self.door, kinds) if kinds else None
        return self._catalog[name]

    def _parent(self, spec: ObjectSpec) -> ObjectSpec:
        assert spec.parent is not None
        return self.objects[spec.parent.object]

    def _reading(self, spec: ObjectSpec, bookmark: Bookmark) -> "_Reading":
        parent = self._parent(spec) if spec.parent and bookmark.get("since") else None
        return _Reading(spec, parent, bookmark, self._columns)

    async def _rest(self, reading: "_Reading", last: list[str], left: int) -> Sequence[Bookmark]:
        """What is behind a page: in as many parts as calls are free, by even shares of the ids."""
        bookmark = {**reading.bookmark, "after": last}
        parts = min(self.door.room, -(-left // self.page_rows))
        if parts <= 1 or not last[0].isdecimal():
            return (bookmark,)
        high = bookmark.get("until") or bookmark.get("high")
        if high is None:
            (found,) = items(await ask(self.door, reading.highest()))
            high = bookmark["high"] = found.get("high")
        if high is None or not str(high).isdecimal() or int(high) <= int(last[0]):
            return (bookmark,)
        return _split(bookmark, int(last[0]), int(high), parts)


@dataclass(frozen=True)
class _Reading:
    """Some rows of an object as a query. With `parent`, all rows of its changed records."""

    spec: ObjectSpec
    parent: ObjectSpec | None
    bookmark: Bookmark
    columns: Columns

    def query(self) -> str:
        terms = self._terms()
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        order = f" ORDER BY {', '.join(self._order())}"
        return f"SELECT {self._selected()} FROM {self._from()}{where}{order}"

    def highest(self) -> str:
        """How far the ids go that the reading ranges over."""
        terms = [term for term in (self.spec.where, self._since()) if term]
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        return f"SELECT MAX({self._order()[0]}) AS high FROM {self._from()}{where}"

    def parted(self, rows: Sequence[Row]) -> tuple[Sequence[Row], list[dict[str, str]]]:
        """Records, and marks of the parents whose children they replace: there may be none."""
        if self.parent is None or self.spec.parent is None:
            return rows, []
        column = self.spec.parent.column
        records = [
            {name: value for name, value in row.items() if name != _PARENT}
            for row in rows
            if _is_child(row)
        ]
        seen = str(self.bookmark.get("after", [""])[0])
        parents = dict.fromkeys(str(row[_PARENT]) for row in rows)
        return records, [{column: key} for key in parents if key != seen]

    def key_of(self, row: Row) -> list[str]:
        """By what the next page goes on behind this row."""
        names = key_columns(self.spec)
        if self.parent is not None:
            names = [_PARENT, *(names[1:] if _is_child(row) else ())]
        missing = [name for name in names if name not in row]
        if missing:
            raise ContractBroken(SYSTEM, f"{self.spec.name}: a row without {missing} has no place")
        return [str(row[name]) for name in names]

    def _fields(self) -> list[Field]:
        return self.columns.of(self.spec, keys_only=bool(self.bookmark.get("keys_only")))

    def _selected(self) -> str:
        if self.parent is None:
            return columns_of(self._fields())
        return f"parent.{self.parent.key[0]} AS {_PARENT}, {columns_of(self._fields(), 'child.')}"

    def _from(self) -> str:
        if self.parent is None or self.spec.parent is None:
            return self.spec.vendor_name
        return (
            f"{self.parent.vendor_name} parent LEFT JOIN {self.spec.vendor_name} child "
            f"ON child.{self.spec.parent.column} = parent.{self.parent.key[0]}"
        )

    def _order(self) -> list[str]:
        key = key_columns(self.spec)
        if self.parent is None:
            return key
        return [f"parent.{self.parent.key[0]}", *(f"child.{name}" for name in key[1:])]

    def _since(self) -> str | None:
        at = self.bookmark.get("since")
        if at is None:
            return None
        cursor = f"parent.{self.parent.cursor}" if self.parent else str(self.spec.cursor)
        return changed_since(cursor, datetime.fromisoformat(at))

    def _terms(self) -> list[str]:
        order, after = self._order(), self.bookmark.get("after")
        until = self.bookmark.get("until")
        terms = [self.spec.where, self._since()]
        terms.append(f"({behind(order, after)})" if after else None)
        terms.append(f"{order[0]} <= {literal(until)}" if until else None)
        return [term for term in terms if term]


_PARENT = "changed_parent"


def _is_child(row: Row) -> bool:
    """Whether a parent's row has anything of a child in it."""
    return row.keys() != {_PARENT}


def _split(bookmark: Bookmark, low: int, high: int, parts: int) -> list[Bookmark]:
    """The same rows in parts; the last one stays as open or bounded as the whole was."""
    bounds = sorted({low + (high - low) * part // parts for part in range(1, parts)} - {low, high})
    firsts = [bookmark["after"], *([str(bound)] for bound in bounds)]
    lasts = [*(str(bound) for bound in bounds), bookmark.get("until")]
    return [
        {**bookmark, "after": first, "until": last}
        for first, last in zip(firsts, lasts, strict=True)
    ]
