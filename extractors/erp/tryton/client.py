"""Reads Tryton: JSON-RPC at one address, windows of a model by id, changes by their time.

Tryton keeps no log of deletions: what is gone is found by a scan of all keys, and by nothing else.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import httpx

from extractors.calls import Call, Dialect, Explanation, Reply
from extractors.erp.tryton.config import TrytonConfig
from extractors.erp.tryton.objects import OBJECTS, OPTIONAL_MODELS, TOUCHED
from extractors.errors import Conflict, RateLimited, Rejected, SourceError, Unauthorized
from extractors.http import HttpDoor, HttpOptions, Token
from extractors.protocol import Bookmark, ObjectSpec, Page, SourceTotals, Start

SYSTEM = "tryton"
API_VERSION = "8.2"
RPC_PATH = "/rpc/"
# A request of a worker is one transaction, and a server has few workers.
DEFAULT_OPTIONS = HttpOptions(concurrency=4)
WINDOW_ROWS = 1_000
# Keys alone are answered from an index.
WINDOW_KEYS = 10_000
# A change bears the time at which its transaction began, and shows when that ends; the server
# lets a transaction that does nothing live for half an hour.
OVERLAP = timedelta(hours=1)

_KINDS: Mapping[str, type[SourceError]] = {
    "UserError": Rejected,
    "UserWarning": Rejected,
    "ConcurrencyException": Conflict,
    "LoginException": Unauthorized,
    "RateLimitException": RateLimited,
}


def connect(config: TrytonConfig, options: HttpOptions = DEFAULT_OPTIONS) -> HttpDoor:
    """The door to one database."""

    async def login(door: HttpDoor) -> str:
        call = request("common.db.login", config.user, {"password": config.password}, None)
        reply = await door.attempt(replace(call, authorized=False))
        user_id, session, *_ = reply.member("result")
        return base64.b64encode(f"{config.user}:{user_id}:{session}".encode()).decode()

    dialect = Dialect(SYSTEM, explain, decode, "x-request-id", failed=failed)
    base_url = f"{config.base_url.rstrip('/')}/{config.database}"
    return HttpDoor(base_url, dialect, options, auth=Token(login, scheme="Session"))


def failed(body: Any) -> bool:
    """Errors of the application come under status 200."""
    return isinstance(body, Mapping) and "error" in body


def explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:  # noqa: ARG001
    """`[name, [message, description, ...]]`; any other exception of the server has no name.

    An exception without a name is a fault of the server, or of what it was asked: the door
    decides by what was sent. A warning waits for a person to confirm it, which we never do.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, list) or not error:
        return Explanation("no explanation given")
    name, *details = error
    if name not in _KINDS:
        return Explanation(str(name), worth_waiting=False)
    told = details[0] if details else ""
    texts = [str(text) for text in ([told] if isinstance(told, str) else told) if text]
    if name == "UserWarning":
        warning, *texts = texts
        texts.append(f"(a person has to confirm this in Tryton: {warning})")
    return Explanation(" ".join(texts) or "no explanation given", name, _KINDS[name])


def decode(content: bytes) -> Any:
    """JSON in which numbers, amounts and times are text; none of them was ever a float."""
    return json.loads(content, parse_float=str, parse_int=str, object_hook=_as_text)


def encode(value: Any) -> Any:
    """A value as the server takes it; what JSON knows stays as it is."""
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{name: getattr(utc, name) for name in names}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    return value


def _as_text(value: dict[str, Any]) -> Any:
    """What JSON has no type for."""
    kind = value.get("__class__")
    if kind is None:
        return value
    if kind not in _TEXTS:
        raise ValueError(f"a value of the unknown class {kind}")
    return _TEXTS[kind](value)


def _numbers(value: Mapping[str, str]) -> dict[str, int]:
    return {name: int(text) for name, text in value.items() if name != "__class__"}


def _instant(value: Mapping[str, str]) -> str:
    """Times are UTC on the server, whatever its clock says."""
    return datetime(**_numbers(value), tzinfo=UTC).isoformat().replace("+00:00", "Z")


_TEXTS: Mapping[str, Callable[[dict[str, str]], str]] = {
    "Decimal": lambda value: value["decimal"],
    "date": lambda value: date(**_numbers(value)).isoformat(),
    "time": lambda value: time(**_numbers(value)).isoformat(),  # type: ignore[arg-type]
    "datetime": _instant,
    "timedelta": lambda value: value["seconds"],
    "bytes": lambda value: value["base64"],
}


def as_declared(spec: ObjectSpec, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A boolean is true or false on PostgreSQL, and a number on SQLite."""
    names = [item.column for item in spec.fields if item.kind == "boolean"]
    return [
        {**row, **{name: _NUMBERED.get(row[name], row[name]) for name in names}} for row in rows
    ]


_NUMBERED: Mapping[Any, bool] = {"1": True, "0": False}


def request(
    method: str,
    *params: Any,
    kind: Literal["read", "write"] = "read",
    correlation_id: str | None = None,
) -> Call:
    """A call of a method; its result is the member `result` of the answer."""
    return Call(
        "POST",
        RPC_PATH,
        json={"id": 0, "method": method, "params": encode(params)},
        label=method,
        kind=kind,
        repeatable=kind == "read",
        correlation_id=correlation_id,
    )


@dataclass(frozen=True)
class Database:
    """The models of one database, as they are for the company that the user works for."""

    door: HttpDoor
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _context: dict[str, Any] = field(default_factory=dict)
    _present: set[str] = field(default_factory=set)

    async def call(
        self,
        model: str,
        method: str,
        *params: Any,
        kind: Literal["read", "write"] = "read",
        context: Mapping[str, Any] | None = None,
        correlation_id: str | None = None,
    ) -> Reply:
        """The answer of a method of a model."""
        whole = {**await self._company(), **(context or {})}
        name = f"model.{model}.{method}"
        call = request(name, *params, whole, kind=kind, correlation_id=correlation_id)
        return await self.door.send(call)

    async def is_absent(self, model: str) -> bool:
        """Whether the module of a model is not activated."""
        if model not in OPTIONAL_MODELS:
            return False
        async with self._lock:
            if not self._present:
                domain = [["name", "in", ["ir.model", *OPTIONAL_MODELS]]]
                method = "model.ir.model.search_read"
                reply = await self.door.send(request(method, domain, 0, None, None, ["name"], {}))
                self._present.update(row["name"] for row in reply.member("result"))
        return model not in self._present

    async def _company(self) -> Mapping[str, Any]:
        """Prices and defaults are a company's: without one they are empty."""
        async with self._lock:
            if not self._context:
                preferences = request("model.res.user.get_preferences", True, {})
                reply = await self.door.send(preferences)
                company = reply.member("result").get("company")
                self._context["company"] = None if company is None else int(company)
        return self._context


@dataclass(frozen=True)
class TrytonSource:
    """The database as a `Source`.

    Bookmarks: `after` and `to` bound the ids, `since` the times of change, `of` names parents
    whose children are meant, `keys` asks for ids alone; `parents_after` goes through changed
    parents, of which each window opens a bookmark for their children.
    """

    door: HttpDoor
    system: str = SYSTEM
    api_version: str = API_VERSION
    objects: Mapping[str, ObjectSpec] = field(default_factory=lambda: OBJECTS)
    window_rows: int = WINDOW_ROWS
    window_keys: int = WINDOW_KEYS

    @cached_property
    def _database(self) -> Database:
        return Database(self.door)

    async def begin(
        self, spec: ObjectSpec, cursor_from: datetime | None, *, keys_only: bool = False
    ) -> Start:
        """Everything, or what changed since; a child brings all children of changed parents."""
        if await self._database.is_absent(spec.vendor_name):
            reply = await self._database.call("ir.model", "search_count", [])
            return Start("full", Page(reply.served_at))
        if cursor_from is None:
            page = await self._range(spec, {"after": 0, **({"keys": True} if keys_only else {})})
            return Start("full", await self._sized(spec, page))
        since = (cursor_from - OVERLAP).astimezone(UTC).isoformat()
        if spec.parent is not None:
            return Start(
                "incremental", await self._parents(spec, {"since": since, "parents_after": 0})
            )
        page = await self._range(spec, {"after": 0, "since": since})
        return Start("incremental", await self._sized(spec, page))

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        if "parents_after" in bookmark:
            return await self._parents(spec, bookmark)
        return await self._range(spec, bookmark)

    async def totals(
        self,
        specs: Sequence[ObjectSpec],
        *,
        is_first_load: bool = False,  # noqa: ARG002
    ) -> Mapping[str, SourceTotals]:
        """A call per model: the protocol has no batches, and amounts are computed by record."""
        counts = await asyncio.gather(*(self._count(spec) for spec in specs))
        return {spec.name: SourceTotals(count) for spec, count in zip(specs, counts, strict=True)}

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:
        if await self._database.is_absent(spec.vendor_name):
            return None
        reply = await self._database.call(spec.vendor_name, "fields_get", [])
        return {
            name: f"{told['type']} {told['relation']}" if told.get("relation") else told["type"]
            for name, told in reply.member("result").items()
        }

    async def _count(self, spec: ObjectSpec) -> int:
        if await self._database.is_absent(spec.vendor_name):
            return 0
        domain = self._domain(spec, {"after": 0})
        reply = await self._database.call(spec.vendor_name, "search_count", domain)
        return int(reply.member("result"))

    async def _range(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        """One window in the order of ids, and where to go on."""
        domain, order = self._domain(spec, bookmark), [["id", "ASC"]]
        if bookmark.get("keys"):
            limit = self.window_keys
            reply = await self._database.call(spec.vendor_name, "search", domain, 0, limit, order)
            records = [{"id": key} for key in reply.member("result")]
        else:
            limit, names = self.window_rows, list(spec.columns)
            reply = await self._database.call(
                spec.vendor_name, "search_read", domain, 0, limit, order, names
            )
            records = as_declared(spec, reply.member("result"))
        if len(records) < limit:
            return Page(reply.served_at, records)
        last = int(records[-1]["id"])
        rest = self._parts({**bookmark, "after": last}, span=last - bookmark["after"])
        return Page(reply.served_at, records, rest=rest)

    async def _parents(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        """One window of changed parents: their children are read next, all of them."""
        assert spec.parent is not None
        parent = self.objects[spec.parent.object]
        after = {"since": bookmark["since"], "after": bookmark["parents_after"]}
        reply = await self._database.call(
            parent.vendor_name,
            "search",
            self._domain(parent, after),
            0,
            self.window_rows,
            [["id", "ASC"]],
        )
        keys = reply.member("result")
        rest: list[Bookmark] = [{"of": [int(key) for key in keys], "after": 0}] if keys else []
        if len(keys) == self.window_rows:
            rest.append({**bookmark, "parents_after": int(keys[-1])})
        stones = [{spec.parent.column: key} for key in keys]
        return Page(reply.served_at, tombstones=stones, rest=rest)

    async def _sized(self, spec: ObjectSpec, page: Page) -> Page:
        """The page with its rest bounded by the last id there is, and split if that is worth it."""
        if not page.rest:
            return page
        (going_on,) = page.rest
        reply = await self._database.call(
            spec.vendor_name, "search", self._domain(spec, going_on), 0, 1, [["id", "DESC"]]
        )
        end = max(map(int, reply.member("result")), default=going_on["after"])
        return replace(page, rest=self._parts({**going_on, "to": end}, span=going_on["after"]))

    def _parts(self, bookmark: Bookmark, span: int) -> Sequence[Bookmark]:
        """What is left, in as many parts as there are idle places and windows to fill.

        `span` is how many ids the last window went through.
        """
        after, end = bookmark["after"], bookmark.get("to")
        if end is None:
            return (bookmark,)
        if after >= end:
            return ()
        windows = -(-(end - after) // span)
        parts = max(1, min(self.door.idle, windows))
        width = -(-windows // parts) * span
        return [
            {**bookmark, "after": start, "to": min(start + width, end)}
            for start in range(after, end, width)
        ]

    def _domain(self, spec: ObjectSpec, bookmark: Bookmark) -> list[Any]:
        """All of it at the top level: in a nested clause the server hides inactive records."""
        terms: list[Any] = [["id", ">", bookmark["after"]]]
        if "to" in bookmark:
            terms.append(["id", "<=", bookmark["to"]])
        if "active" in spec.columns:
            terms.append(["active", "in", [True, False]])
        if spec.parent is not None:
            # A line may stand alone until it is invoiced; it is then no part of any document.
            among = bookmark.get("of")
            terms.append([spec.parent.column, "in" if among else "!=", among])
        if "since" in bookmark:
            since = datetime.fromisoformat(bookmark["since"])
            paths = [f"{name}.{spec.cursor}" for name in TOUCHED.get(spec.name, ())]
            changes = [[path, ">=", since] for path in (spec.cursor, *paths)]
            terms.append(["OR", *changes] if paths else changes[0])
        return terms
