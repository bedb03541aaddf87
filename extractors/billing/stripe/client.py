"""Reads Stripe: pinned version, cursor lists, nested lists to their end, events as change list.

There is no filter on updates: changed records are found through events, whose payload is in
the version of its own time and is therefore never used, only its id; the record is read again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from extractors.billing.stripe.objects import ENDPOINTS, OBJECTS, Endpoint
from extractors.calls import Call, Dialect, Explanation, Params, Reply, decode_exact
from extractors.errors import (
    Conflict,
    ContractBroken,
    NotFound,
    RateLimited,
    SourceError,
    Transient,
)
from extractors.http import HttpDoor, HttpOptions
from extractors.protocol import Bookmark, ObjectSpec, Page, SourceTotals, Start

SYSTEM = "stripe"
API_VERSION = "2026-10-28.endive"
LIST_LIMIT = 100
OVERLAP = timedelta(seconds=600)
# Events are kept for 30 days; a cursor near that age is not trusted.
EVENTS_REACH = timedelta(days=29)
# How far a full read looks back for change times that the records themselves do not carry.
RECENT = timedelta(days=3)
_COUPONS = "/v1/coupons"


@dataclass(frozen=True)
class StripeConfig:
    """A restricted key; reading needs no more than read scopes."""

    base_url: str
    api_key: str = field(repr=False)


def connect(config: StripeConfig, options: HttpOptions) -> HttpDoor:
    """The door to one account."""
    headers = {"Authorization": f"Bearer {config.api_key}", "Stripe-Version": API_VERSION}
    dialect = Dialect(SYSTEM, explain, decode_exact, "request-id")
    return HttpDoor(config.base_url, dialect, options, headers=headers)


def explain(status: int, body: Any, headers: httpx.Headers) -> Explanation:
    """The vendor says by header whether to try again; a key in use is a race, not a conflict."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        error = {}
    code = error.get("code") or error.get("type")
    kinds: dict[str | None, type[SourceError]] = {
        "lock_timeout": RateLimited,
        "idempotency_key_in_use": Transient,
        "idempotency_error": Conflict,
    }
    kind = kinds.get(error.get("code")) or kinds.get(error.get("type"))
    if kind is None and status == httpx.codes.CONFLICT:
        kind = Transient
    return Explanation(
        str(error.get("message") or "no explanation given"),
        code,
        kind,
        worth_waiting=headers.get("stripe-should-retry") != "false",
    )


@dataclass(frozen=True)
class StripeSource:
    """The account as a `Source`."""

    door: HttpDoor
    system: str = SYSTEM
    api_version: str = API_VERSION
    objects: Mapping[str, ObjectSpec] = field(default_factory=lambda: OBJECTS)
    _coupons: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def begin(
        self,
        spec: ObjectSpec,
        cursor_from: datetime | None,
        *,
        keys_only: bool = False,  # noqa: ARG002
    ) -> Start:
        """Everything, or what events since the cursor name; the list is asked first either way.

        Its answer is the watermark: a replica that lags shows it there, not in the events.
        """
        endpoint = ENDPOINTS[spec.name]
        limit = LIST_LIMIT if cursor_from is None else 1
        first = await self._list(endpoint, limit)
        if cursor_from is None or first.served_at - cursor_from > EVENTS_REACH:
            if cursor_from is not None:
                first = await self._list(endpoint, LIST_LIMIT)
            recent = await self._events(endpoint, first.served_at - RECENT)
            return Start("full", await self._listed(endpoint, first, recent))
        changed_at = await self._events(endpoint, cursor_from - OVERLAP)
        changed = sorted(changed_at)
        batches = [changed[at : at + LIST_LIMIT] for at in range(0, len(changed), LIST_LIMIT)]
        asked_at = first.served_at.isoformat()
        rest = [
            {"changed_at": {key: changed_at[key] for key in batch}, "asked_at": asked_at}
            for batch in batches
        ]
        return Start("incremental", Page(first.served_at, rest=rest))

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        endpoint = ENDPOINTS[spec.name]
        if "changed_at" in bookmark:
            asked_at = datetime.fromisoformat(bookmark["asked_at"])
            return await self._changed(endpoint, bookmark["changed_at"], asked_at)
        reply = await self._list(endpoint, LIST_LIMIT, starting_after=bookmark["after"])
        return await self._listed(endpoint, reply, bookmark["recent"])

    async def totals(self, specs: Sequence[ObjectSpec]) -> Mapping[str, SourceTotals]:  # noqa: ARG002
        """Lists have no totals."""
        return {}

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:  # noqa: ARG002
        """The vendor does not describe its objects; the engine sees them on records."""
        return None

    async def _listed(self, endpoint: Endpoint, reply: Reply, recent: Mapping[str, str]) -> Page:
        records = reply.member("data")
        keys = [record["id"] for record in records]
        return Page(
            served_at=reply.served_at,
            records=await self._complete_all(endpoint, records),
            changed_at={key: recent[key] for key in keys if key in recent},
            rest=({"after": keys[-1], "recent": recent},) if reply.member("has_more") else (),
        )

    async def _changed(
        self, endpoint: Endpoint, changed_at: Mapping[str, str], asked_at: datetime
    ) -> Page:
        found = await asyncio.gather(*(self._fetch(endpoint, key) for key in changed_at))
        replies = [reply for reply in found if reply is not None]
        live = [reply.body for reply in replies if not reply.body.get("deleted")]
        present = {record["id"] for record in live}
        return Page(
            served_at=max((reply.served_at for reply in replies), default=asked_at),
            records=await self._complete_all(endpoint, live),
            tombstones=[{"id": key} for key in changed_at if key not in present],
            changed_at={key: changed_at[key] for key in present},
        )

    async def _list(
        self, endpoint: Endpoint, limit: int, starting_after: str | None = None
    ) -> Reply:
        params = [("limit", str(limit)), *endpoint.params]
        params += [("expand[]", f"data.{name}") for name in endpoint.expand]
        if starting_after is not None:
            params.append(("starting_after", starting_after))
        return await self.door.send(Call("GET", endpoint.path, params=params))

    async def _fetch(self, endpoint: Endpoint, key: str) -> Reply | None:
        params = [("expand[]", name) for name in endpoint.expand]
        try:
            return await self.door.send(Call("GET", f"{endpoint.path}/{key}", params=params))
        except NotFound:
            return None

    async def _events(self, endpoint: Endpoint, since: datetime) -> dict[str, str]:
        """Ids of records that changed since then, with the ISO time of the newest change."""
        params = [("created[gte]", str(int(since.timestamp())))]
        params += [("types[]", kind) for kind in endpoint.events]
        newest: dict[str, int] = {}
        async for event in self._elements("/v1/events", params):
            key = event["data"]["object"].get(endpoint.events[event["type"]])
            if key is not None:
                newest[key] = max(newest.get(key, 0), event["created"])
        return {
            key: f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            for key, at in newest.items()
        }

    async def _elements(
        self, path: str, params: Params, starting_after: str | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The elements of a list from its beginning, or after one of them, to its end."""
        while True:
            after = [] if starting_after is None else [("starting_after", starting_after)]
            asked = [*params, ("limit", str(LIST_LIMIT)), *after]
            reply = await self.door.send(Call("GET", path, params=asked))
            elements = reply.member("data")
            for element in elements:
                yield element
            if not reply.member("has_more"):
                return
            starting_after = elements[-1]["id"]

    async def _complete_all(
        self, endpoint: Endpoint, records: Iterable[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        return list(
            await asyncio.gather(*(self._complete(endpoint, dict(record)) for record in records))
        )

    async def _complete(self, endpoint: Endpoint, record: dict[str, Any]) -> dict[str, Any]:
        """Embedded lists paged to their end, coupons of discounts read where only named."""
        for name in ("lines", "items", "tax_ids"):
            if isinstance(record.get(name), Mapping):
                record[name] = await self._rest_of(endpoint, record[name])
        if endpoint.path == ENDPOINTS["subscription"].path:
            holders = [record, *record["items"]["data"]]
            await self._name_coupons(
                discount for holder in holders for discount in holder.get("discounts") or ()
            )
        return record

    async def _rest_of(self, endpoint: Endpoint, embedded: Mapping[str, Any]) -> dict[str, Any]:
        if not embedded.get("has_more"):
            return dict(embedded)
        path, params = _address(embedded, endpoint)
        last = embedded["data"][-1]["id"]
        rest = [element async for element in self._elements(path, params, last)]
        return {**embedded, "data": [*embedded["data"], *rest], "has_more": False}

    async def _name_coupons(self, discounts: Iterable[Any]) -> None:
        """Replace a coupon's id by the coupon: the vendor expands four levels, not five."""
        for discount in discounts:
            source = discount.get("source") if isinstance(discount, Mapping) else None
            if isinstance(source, dict) and isinstance(source.get("coupon"), str):
                source["coupon"] = await self._coupon(source["coupon"])

    async def _coupon(self, key: str) -> Mapping[str, Any]:
        if key not in self._coupons:
            self._coupons[key] = (await self.door.send(Call("GET", f"{_COUPONS}/{key}"))).body
        return self._coupons[key]


def _iso(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _address(embedded: Mapping[str, Any], endpoint: Endpoint) -> tuple[str, Sequence[Any]]:
    """Where the rest of an embedded list is; what was expanded inside of it stays expanded."""
    url = httpx.URL(str(embedded.get("url", "")))
    if not url.path.startswith("/v1/"):
        raise ContractBroken(SYSTEM, f"a truncated list has no usable url: {url}")
    inner = [name.removeprefix("items.") for name in endpoint.expand if name.startswith("items.")]
    return url.path, [*url.params.multi_items(), *(("expand[]", name) for name in inner)]
