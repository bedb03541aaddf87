"""Reads NetSuite: machine login by signed JWT, SuiteQL windows, keyset past the row limit."""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jwt

from extractors.calls import Call, Dialect, Explanation, Reply, decode_text
from extractors.erp.netsuite.objects import DELETED_RECORD_TYPES, OBJECTS
from extractors.errors import ContractBroken, RateLimited, SourceError, Unauthorized
from extractors.http import HttpDoor, HttpOptions, Token
from extractors.protocol import Bookmark, Field, ObjectSpec, Page, SourceTotals, Start

SYSTEM = "netsuite"
API_VERSION = "v1"
TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105
QUERY_PATH = "/services/rest/query/v1/suiteql"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 300
WINDOW_ROWS = 1_000
# One query cannot be paged further than this; the next one starts after the last key.
SLICE_ROWS = 100_000
OVERLAP = timedelta(hours=1)

# Some services answer 400 where others answer 429; a refused login is a 400, too.
_KINDS: dict[str, type[SourceError]] = {
    "CONCURRENCY_LIMIT_EXCEEDED": RateLimited,
    "SSS_REQUEST_LIMIT_EXCEEDED": RateLimited,
    "ExceededConcurrentRequestLimitFault": RateLimited,
    "invalid_client": Unauthorized,
    "invalid_grant": Unauthorized,
    "unauthorized_client": Unauthorized,
}


@dataclass(frozen=True)
class NetSuiteConfig:
    """An integration with a certificate (OAuth 2.0 client credentials, PS256)."""

    base_url: str
    account: str
    client_id: str
    certificate_id: str
    private_key_path: Path


def connect(config: NetSuiteConfig, options: HttpOptions) -> HttpDoor:
    """The door to one account; concurrency is counted per account by the vendor, too."""

    async def login(door: HttpDoor) -> str:
        form = (
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion(config, door.base_url + TOKEN_PATH)),
        )
        call = Call("POST", TOKEN_PATH, form=form, authorized=False)
        return str((await door.attempt(call)).member("access_token"))

    dialect = Dialect(SYSTEM, explain, decode_text, "x-n-operationid")
    return HttpDoor(config.base_url, dialect, options, auth=Token(login))


def assertion(config: NetSuiteConfig, audience: str) -> str:
    """A JWT that proves possession of the private key; RS256 is not accepted by the vendor."""
    now = int(time.time())
    claims = {
        "iss": config.client_id,
        "scope": ["rest_webservices"],
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": uuid.uuid4().hex,
    }
    key = Path(config.private_key_path).read_text("utf-8")
    return jwt.encode(claims, key, algorithm="PS256", headers={"kid": config.certificate_id})


def explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:  # noqa: ARG001
    """Record and query errors carry `o:errorDetails`, login errors `error`."""
    if not isinstance(body, Mapping):
        return Explanation("no explanation given")
    details = body.get("o:errorDetails") or [{}]
    code = details[0].get("o:errorCode") or body.get("error")
    where = details[0].get("o:errorPath") or details[0].get("o:errorQueryParam")
    message = details[0].get("detail") or body.get("error_description") or body.get("title")
    text = f"{message or 'no explanation given'}{f' (at {where})' if where else ''}"
    return Explanation(text, code, _KINDS.get(str(code)))


@dataclass(frozen=True)
class NetSuiteSource:
    """The account as a `Source`."""

    door: HttpDoor
    system: str = SYSTEM
    api_version: str = API_VERSION
    objects: Mapping[str, ObjectSpec] = field(default_factory=lambda: OBJECTS)
    window_rows: int = WINDOW_ROWS

    async def begin(
        self, spec: ObjectSpec, cursor_from: datetime | None, *, keys_only: bool = False
    ) -> Start:
        """Everything, or rows modified since; a child brings all rows of each changed parent."""
        parent = self.objects[spec.parent.object] if spec.parent else None
        cursor = parent.cursor if parent else spec.cursor
        if cursor_from is None or cursor is None:
            return Start("full", await self._window(spec, _rows(spec, (), keys_only=keys_only)))
        since = _since(cursor, cursor_from)
        if parent is None:
            page = await self._window(spec, _rows(spec, (since,)))
            rest = [*page.rest, *_deletions(spec, cursor_from)]
        else:
            assert spec.parent is not None
            changed = f"{spec.parent.column} IN (SELECT id FROM {parent.vendor_name} WHERE {since})"
            page = await self._window(spec, _rows(spec, (changed,)))
            marks = {
                "columns": "id",
                "table": parent.vendor_name,
                "terms": [since],
                "key": ["id"],
                "tombstone": {spec.parent.column: "id"},
            }
            rest = [*page.rest, marks]
        return Start("incremental", replace(page, rest=rest))

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        return await self._window(spec, bookmark)

    async def totals(self, specs: Sequence[ObjectSpec]) -> Mapping[str, SourceTotals]:
        return {
            spec.name: SourceTotals(await self._count(spec), await self._sums(spec))
            for spec in specs
        }

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:  # noqa: ARG002
        return None

    async def _count(self, spec: ObjectSpec) -> int:
        rows = await run(self.door, f"SELECT COUNT(*) AS n FROM {spec.vendor_name}")
        return int(rows[0]["n"])

    async def _sums(self, spec: ObjectSpec) -> dict[str, int] | None:
        """The declared amount per currency, by the source's own arithmetic."""
        total = spec.control_sum
        if total is None:
            return None
        rows = await run(
            self.door,
            "SELECT c.symbol AS symbol, c.currencyprecision AS exponent, "
            f"SUM(t.{total.column}) AS amount FROM {spec.vendor_name} t "
            f"JOIN currency c ON c.id = t.{total.currency} WHERE t.{total.where} "
            "GROUP BY c.symbol, c.currencyprecision",
        )
        return {
            row["symbol"]: round(Decimal(row.get("amount", "0")).scaleb(int(row["exponent"])))
            for row in rows
        }

    async def _window(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:  # noqa: ARG002
        """Rows in key order behind the last key seen, so that no query reaches the row limit."""
        after, key = bookmark.get("after"), tuple(bookmark["key"])
        where = [*bookmark["terms"], *([_after(key, after)] if after else [])]
        query = f"SELECT {bookmark['columns']} FROM {bookmark['table']}"
        query += f" WHERE {' AND '.join(where)}" if where else ""
        query += f" ORDER BY {', '.join(key)}"
        reply = await _window(self.door, query, self.window_rows, 0)
        rows = _items(reply)
        stones = bookmark.get("tombstone")
        last = {name: rows[-1][name] for name in key} if rows else {}
        return Page(
            reply.served_at,
            () if stones else rows,
            [{column: row[name] for column, name in stones.items()} for row in rows]
            if stones
            else (),
            rest=({**bookmark, "after": last},) if reply.member("hasMore") else (),
        )


def _rows(spec: ObjectSpec, terms: Sequence[str], *, keys_only: bool = False) -> Bookmark:
    wanted = [item for item in spec.fields if not keys_only or item.column in spec.key]
    return {
        "columns": ", ".join(_selected(item) for item in wanted),
        "table": spec.vendor_name,
        "terms": list(terms),
        "key": list(_order(spec)),
    }


def _deletions(spec: ObjectSpec, cursor_from: datetime) -> list[Bookmark]:
    kinds = DELETED_RECORD_TYPES.get(spec.name, ())
    if not kinds:
        return []
    terms = [
        f"recordtype IN ({', '.join(literal(kind) for kind in kinds)})",
        _since("deleteddate", cursor_from),
    ]
    return [
        {
            "columns": "recordtype, recordid",
            "table": "deletedrecord",
            "terms": terms,
            "key": list(_DELETED_KEY),
            "tombstone": {"id": "recordid"},
        }
    ]


_DELETED_KEY = ("recordtype", "recordid")


async def run(door: HttpDoor, query: str) -> list[Mapping[str, Any]]:
    """All rows of a small result."""
    rows: list[Mapping[str, Any]] = []
    for offset in range(0, SLICE_ROWS, WINDOW_ROWS):
        reply = await _window(door, query, WINDOW_ROWS, offset)
        rows.extend(_items(reply))
        if not reply.member("hasMore"):
            return rows
    raise ContractBroken(SYSTEM, f"more than {SLICE_ROWS} rows: {query[:200]}")


def literal(value: str) -> str:
    """A SuiteQL string."""
    return "'" + value.replace("'", "''") + "'"


def columns_of(fields: Iterable[Field]) -> str:
    """A select list with dates and datetimes in one fixed form."""
    return ", ".join(_selected(item) for item in fields)


async def _window(door: HttpDoor, query: str, limit: int, offset: int) -> Reply:
    return await door.send(
        Call(
            "POST",
            QUERY_PATH,
            params=(("limit", str(limit)), ("offset", str(offset))),
            json={"q": query},
            headers={"Prefer": "transient"},
        )
    )


def _items(reply: Reply) -> list[Mapping[str, Any]]:
    return [
        {name: value for name, value in item.items() if name != "links"}
        for item in reply.member("items")
    ]


def _selected(item: Field) -> str:
    """Each value under a name of ours, whatever the service would call the expression."""
    name = item.path[0]
    forms = {"datetime": "YYYY-MM-DD HH24:MI:SS", "date": "YYYY-MM-DD"}
    form = forms.get(item.kind)
    return f"TO_CHAR({name}, '{form}') AS {name}" if form else f"{name} AS {name}"


def _since(column: str, cursor_from: datetime) -> str:
    start = f"{(cursor_from - OVERLAP).astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return f"{column} >= TO_DATE('{start}', 'YYYY-MM-DD HH24:MI:SS')"


def _order(spec: ObjectSpec) -> tuple[str, ...]:
    """Key columns, the parent's first, so that a slice ends between rows, never inside one."""
    parent = (spec.parent.column,) if spec.parent else ()
    return (*parent, *(name for name in spec.key if name not in parent))


def _after(key: tuple[str, ...], row: Mapping[str, Any]) -> str:
    """`(a > x OR (a = x AND b > y))`: rows that sort behind `row`."""
    missing = [name for name in key if name not in row]
    if missing:
        raise ContractBroken(SYSTEM, f"a row without {missing} cannot be paged past")
    terms = []
    for at, name in enumerate(key):
        same = [f"{before} = {literal(row[before])}" for before in key[:at]]
        terms.append(" AND ".join([*same, f"{name} > {literal(row[name])}"]))
    return "(" + " OR ".join(f"({term})" for term in terms) + ")"
