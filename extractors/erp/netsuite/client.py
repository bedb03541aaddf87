"""Reads NetSuite: pages by key, ranges of ids side by side, children by their changed parents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from extractors.calls import Dialect, Explanation, Reply, decode_text
from extractors.erp.netsuite.auth import NetSuiteConfig, auth_of
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
    INSTANT,
    PAGE_ROWS,
    SYSTEM,
    Columns,
    Row,
    ask,
    behind,
    changed_since,
    columns_of,
    explained,
    items,
    literal,
    number,
    union,
)
from extractors.errors import (
    Conflict,
    ContractBroken,
    RateLimited,
    Rejected,
    SourceError,
    Unauthorized,
)
from extractors.http import HttpDoor, HttpOptions
from extractors.protocol import (
    Bookmark,
    ControlSum,
    Field,
    ObjectSpec,
    Page,
    SourceTotals,
    Start,
)

__all__ = [
    "DEFAULT_OPTIONS",
    "OVERLAP",
    "SYSTEM",
    "NetSuiteConfig",
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
class _Facts:
    """What the totals told of an object: how far its ids go, and when its cursor last moved."""

    served_at: datetime
    count: int
    high: str | None
    changed_at: datetime


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
    _facts: dict[str, _Facts] = field(default_factory=dict, repr=False)
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
            if facts and not facts.count:
                return Start("full", Page(facts.served_at))
            kept = None if keys_only else await self._shelf.rows(self.door, spec.name)
            if kept is not None:
                return Start("full", Page(*kept))
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

    async def totals(self, specs: Sequence[ObjectSpec]) -> Mapping[str, SourceTotals]:
        """All counts and control sums by one query, which also brings the small tables at first.

        What is refused together is asked for one by one, to say what it is.
        """
        served_at, rows = await self._counted(specs)
        told = {spec.name: [row for row in rows if row["object"] == spec.name] for spec in specs}
        facts = {spec.name: _facts_of(served_at, told[spec.name][0]) for spec in specs}
        self._facts.pop(DELETED_RECORD, None)
        for row in rows:
            if row["object"] == DELETED_RECORD:
                self._facts[DELETED_RECORD] = _facts_of(served_at, row)
        for spec in specs:
            owner = spec.parent.object if spec.parent else spec.name
            changed_at = facts[owner].changed_at if owner in facts else _ALWAYS
            self._facts[spec.name] = replace(facts[spec.name], changed_at=changed_at)
        return {spec.name: _totals(spec, told[spec.name]) for spec in specs}

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:
        """Fields of the record types that make up a table, and declared ones that it also has."""
        kinds = RECORD_TYPES.get(spec.name)
        if kinds is None:
            return None
        try:
            found = await fields_of(self.door, kinds)
        except (Rejected, Unauthorized):  # a role that may query need not see the catalog
            return None
        present = {item.column: item.kind for item in self._columns.of(spec)}
        absent = spec.columns.keys() - present.keys()
        return {**present, **{n: kind for n, kind in found.items() if n not in absent}}

    async def _counted(self, specs: Sequence[ObjectSpec]) -> tuple[datetime, list[Row]]:
        """When it was told, and the totals' rows by the names of their columns."""
        selects = [select for spec in specs for select in _totals_selects(spec)]
        selects.append(_DELETIONS)
        reply = None
        if self._shelf.is_empty and {spec.name for spec in specs} >= {*SMALL}:
            reply = await self._together([*selects, *self._shelf.selects()])
            if reply is not None:
                self._shelf.fill(reply.served_at, items(reply))
        if reply is None:
            reply = await self._together(selects)
        replies = [reply] if reply else [await self._own_totals(spec) for spec in specs]
        rows = [row for each in replies for row in items(each)]
        return min(each.served_at for each in replies), [
            {name: row.get(f"c{at}", "") for at, name in enumerate(_TOTALS)} for row in rows
        ]

    async def _together(self, selects: Sequence[tuple[Sequence[str], str]]) -> Reply | None:
        """One answer to all of them; None where one is refused, or they are more than a page."""
        try:
            reply = await ask(self.door, union(selects))
        except Rejected:
            return None
        return None if reply.member("hasMore") else reply

    async def _own_totals(self, spec: ObjectSpec) -> Reply:
        try:
            return await ask(self.door, union(_totals_selects(spec)))
        except Rejected as error:
            raise explained(spec, error) from error

    def _parent(self, spec: ObjectSpec) -> ObjectSpec:
        assert spec.parent is not None
        return self.objects[spec.parent.object]

    def _reading(self, spec: ObjectSpec, bookmark: Bookmark) -> "_Reading":
        parent = self._parent(spec) if spec.parent and bookmark.get("since") else None
        return _Reading(spec, parent, bookmark, self._columns)

    async def _rest(self, reading: "_Reading", last: list[str], left: int) -> Sequence[Bookmark]:
        """What is behind a page: in as many parts as calls are free, by even shares of the ids."""
        bookmark = {**reading.bookmark, "after": last}
        parts = min(self.door.idle, -(-left // self.page_rows))
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
        since = self._since()
        where = f" WHERE {since}" if since else ""
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
        names = _key(self.spec)
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
        key = _key(self.spec)
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
        terms = [self._since()]
        terms.append(f"({behind(order, after)})" if after else None)
        terms.append(f"{order[0]} <= {literal(until)}" if until else None)
        return [term for term in terms if term]


_PARENT = "changed_parent"


def _is_child(row: Row) -> bool:
    """Whether a parent's row has anything of a child in it."""
    return row.keys() != {_PARENT}


def _key(spec: ObjectSpec) -> list[str]:
    """Key columns, the parent's first, so that a range of parents is a range of rows."""
    parent = [spec.parent.column] if spec.parent else []
    return [*parent, *(name for name in spec.key if name not in parent)]


def _split(bookmark: Bookmark, low: int, high: int, parts: int) -> list[Bookmark]:
    """The same rows in parts; the last one stays as open or bounded as the whole was."""
    bounds = sorted({low + (high - low) * part // parts for part in range(1, parts)} - {low, high})
    firsts = [bookmark["after"], *([str(bound)] for bound in bounds)]
    lasts = [*(str(bound) for bound in bounds), bookmark.get("until")]
    return [
        {**bookmark, "after": first, "until": last}
        for first, last in zip(firsts, lasts, strict=True)
    ]


_TOTALS = ("object", "symbol", "exponent", "total", "high", "changed")
DELETED_RECORD = "deletedrecord"


def _totals_selects(spec: ObjectSpec) -> list[tuple[Sequence[str], str]]:
    """A row with the count and what tells of changes, and per currency one with a control sum."""
    count = _count(spec.name, f"TO_CHAR(MAX({_key(spec)[0]}))", spec.cursor)
    selects: list[tuple[Sequence[str], str]] = [(count, spec.vendor_name)]
    told = spec.control_sum
    if told is not None:
        total = number(f"SUM(t.{told.column})")
        columns = [literal(spec.name), "c.symbol", number("c.currencyprecision"), total]
        grouped = "GROUP BY c.symbol, c.currencyprecision"
        selects.append((columns, f"{_rows_of(spec, told)} {grouped}"))
    return selects


def _rows_of(spec: ObjectSpec, told: ControlSum) -> str:
    """The rows that a control sum adds up, each with its currency: its own, or its parent's."""
    rows, owner = f"{spec.vendor_name} t", "t"
    if told.parent is not None and spec.parent is not None:
        rows += f" JOIN {told.parent} p ON p.id = t.{spec.parent.column}"
        owner = "p"
    condition = f" WHERE t.{told.where}" if told.where else ""
    return f"{rows} JOIN currency c ON c.id = {owner}.{told.currency}{condition}"


def _count(name: str, high: str, cursor: str | None) -> Sequence[str]:
    changed = f"TO_CHAR(MAX(SYS_EXTRACT_UTC({cursor})), '{INSTANT}')" if cursor else "''"
    return [literal(name), "'-'", "'0'", number("COUNT(*)"), high, changed]


_DELETIONS = (_count(DELETED_RECORD, "''", "deleteddate"), DELETED_RECORD)

# Before every change, and after every one: nothing has changed, or nobody knows.
_NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


def _facts_of(served_at: datetime, row: Row) -> _Facts:
    changed = row.get("changed")
    changed_at = datetime.fromisoformat(changed).replace(tzinfo=UTC) if changed else _NEVER
    return _Facts(served_at, int(row["total"]), row.get("high") or None, changed_at)


def _totals(spec: ObjectSpec, rows: Sequence[Row]) -> SourceTotals:
    count = next(int(row["total"]) for row in rows if row["symbol"] == "-")
    if spec.control_sum is None:
        return SourceTotals(count)
    sums = {
        row["symbol"]: round(Decimal(row["total"] or "0").scaleb(int(row["exponent"])))
        for row in rows
        if row["symbol"] != "-"
    }
    return SourceTotals(count, sums)
