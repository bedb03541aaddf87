"""Reads Salesforce: client-credentials login, SOQL pages, deleted rows, change windows."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from extractors.calls import Call, Dialect, Explanation, Reply, decode_text
from extractors.crm.salesforce.objects import OBJECTS
from extractors.errors import Conflict, NotFound, RateLimited, SourceError, Transient, Unauthorized
from extractors.http import HttpDoor, HttpOptions, Token
from extractors.protocol import Bookmark, ObjectSpec, Page, SourceTotals, Start

SYSTEM = "salesforce"
API_VERSION = "v62.0"
ROOT = f"/services/data/{API_VERSION}"
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105
# Rows become visible some time after their SystemModstamp.
OVERLAP = timedelta(seconds=600)

_KINDS: dict[str, type[SourceError]] = {
    "REQUEST_LIMIT_EXCEEDED": RateLimited,
    "UNABLE_TO_LOCK_ROW": Transient,
    "SERVER_UNAVAILABLE": Transient,
    "TXN_SECURITY_METERING_ERROR": Transient,
    "DUPLICATE_VALUE": Conflict,
    "DUPLICATES_DETECTED": Conflict,
    "ENTITY_IS_DELETED": NotFound,
    "INVALID_SESSION_ID": Unauthorized,
    "invalid_client": Unauthorized,
    "invalid_client_id": Unauthorized,
    "invalid_grant": Unauthorized,
}
# The daily quota: seconds do not bring it back.
_HOPELESS = frozenset({"REQUEST_LIMIT_EXCEEDED"})


@dataclass(frozen=True)
class SalesforceConfig:
    """A connected app with the client-credentials flow; `base_url` is the My Domain host."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)


def connect(config: SalesforceConfig, options: HttpOptions) -> HttpDoor:
    """The door to one org; it logs in when first used, and again when the session ends."""

    async def login(door: HttpDoor) -> str:
        form = (
            ("grant_type", "client_credentials"),
            ("client_id", config.client_id),
            ("client_secret", config.client_secret),
        )
        call = Call("POST", TOKEN_PATH, form=form, authorized=False)
        return str((await door.attempt(call)).member("access_token"))

    dialect = Dialect(SYSTEM, explain, decode_text, "sforce-request-id")
    return HttpDoor(config.base_url, dialect, options, auth=Token(login))


def explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:  # noqa: ARG001
    """Data errors are a list of {errorCode, message}; login errors an object.

    300 lists the addresses of all records that share an external id.
    """
    if status == httpx.codes.MULTIPLE_CHOICES:
        return Explanation("the external id is not unique", "DUPLICATE_EXTERNAL_ID", Conflict)
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, Mapping):
        return Explanation("no explanation given")
    code = first.get("errorCode") or first.get("error") or first.get("statusCode")
    message = first.get("message") or first.get("error_description") or "no explanation given"
    return Explanation(str(message), code, _KINDS.get(str(code)), code not in _HOPELESS)


@dataclass(frozen=True)
class SalesforceSource:
    """The org as a `Source`."""

    door: HttpDoor
    system: str = SYSTEM
    api_version: str = API_VERSION
    objects: Mapping[str, ObjectSpec] = field(default_factory=lambda: OBJECTS)

    async def begin(
        self, spec: ObjectSpec, cursor_from: datetime | None, *, keys_only: bool = False
    ) -> Start:
        """All rows, deleted ones included, or those whose SystemModstamp moved."""
        wanted = ("Id", "IsDeleted") if keys_only else [item.path[0] for item in spec.fields]
        soql = f"SELECT {', '.join(wanted)} FROM {spec.vendor_name}{_since(cursor_from)}"
        soql += " ORDER BY SystemModstamp, Id"
        reply = await self.door.send(Call("GET", f"{ROOT}/queryAll", params=(("q", soql),)))
        return Start("full" if cursor_from is None else "incremental", _page(reply))

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:  # noqa: ARG002
        return _page(await self.door.send(Call("GET", bookmark["next"])))

    async def totals(self, specs: Sequence[ObjectSpec]) -> Mapping[str, SourceTotals]:
        return {spec.name: SourceTotals(count=await self._count(spec)) for spec in specs}

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:  # noqa: ARG002
        return None

    async def _count(self, spec: ObjectSpec) -> int:
        soql = f"SELECT COUNT() FROM {spec.vendor_name}"
        reply = await self.door.send(Call("GET", f"{ROOT}/query", params=(("q", soql),)))
        return int(reply.member("totalSize"))


def _page(reply: Reply) -> Page:
    records = reply.member("records")
    return Page(
        served_at=reply.served_at,
        records=[record for record in records if not record.get("IsDeleted")],
        tombstones=[{"id": record["Id"]} for record in records if record.get("IsDeleted")],
        rest=() if reply.member("done") else ({"next": reply.member("nextRecordsUrl")},),
    )


async def query_pages(
    door: HttpDoor, soql: str, *, operation: str = "query"
) -> AsyncIterator[tuple[datetime, Sequence[Mapping[str, Any]]]]:
    """Server time and rows, answer by answer; the next answer is named by a path."""
    reply = await door.send(Call("GET", f"{ROOT}/{operation}", params=(("q", soql),)))
    while True:
        yield reply.served_at, reply.member("records")
        if reply.member("done"):
            return
        reply = await door.send(Call("GET", reply.member("nextRecordsUrl")))


def _since(cursor_from: datetime | None) -> str:
    if cursor_from is None:
        return ""
    start = (cursor_from - OVERLAP).astimezone(UTC)
    return f" WHERE SystemModstamp >= {start:%Y-%m-%dT%H:%M:%SZ}"
