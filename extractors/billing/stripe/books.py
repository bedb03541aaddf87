"""One account behind the door: its lists page by page, its events, its records complete."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import httpx

from extractors.billing.stripe.changes import Changes, event_types, missing_key
from extractors.billing.stripe.objects import API_VERSION, Endpoint
from extractors.billing.stripe.ranges import LIST_LIMIT, Range
from extractors.calls import Call, Params, Reply
from extractors.errors import ContractBroken, NotFound, Rejected
from extractors.http import HttpDoor
from extractors.side_by_side import side_by_side, together

SYSTEM = "stripe"
EVENTS = "/v1/events"
# Events are kept for 30 days; what lies near that age is not trusted to be complete.
EVENTS_REACH = timedelta(days=29)
# How far a full read looks back for change times that the records themselves do not carry.
RECENT = timedelta(days=3)
# So many types a list of events can be filtered by.
TYPES_LIMIT = 20
_NO_PARAMS: Params = ()

Record = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Books:
    """What one account holds; `headers` name it where it is not the account of the key."""

    door: HttpDoor
    headers: Mapping[str, str] = field(default_factory=dict)
    _coupons: dict[str, Any] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def get(self, path: str, params: Params = _NO_PARAMS) -> Reply:
        reply = await self.door.send(Call("GET", path, params=params, headers=self.headers))
        version = reply.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            raise ContractBroken(
                SYSTEM,
                f"GET {path} was answered in version {version}, not in {API_VERSION} as asked",
                body_excerpt=reply.excerpt,
            )
        return reply

    async def page(self, path: str, part: Range, params: Params = _NO_PARAMS) -> Reply:
        """The next page of a range.

        A cursor whose record is gone meanwhile is refused, or followed by nothing although more
        was announced: then the range goes on from the second of that record.
        """
        asked = [("limit", str(LIST_LIMIT)), *params]
        if part.after is None:
            return await self.get(path, [*asked, *part.params()])
        try:
            reply = await self.get(path, [*asked, *part.params()])
        except Rejected as error:
            if error.code != "resource_missing":
                raise
        else:
            if reply.member("data"):
                return reply
        reply = await self.get(path, [*asked, *part.without_cursor().params()])
        if reply.member("has_more") and reply.member("data")[-1]["id"] == part.after:
            raise ContractBroken(
                SYSTEM,
                f"the list {path} does not go on behind {part.after}: a page holds "
                f"{LIST_LIMIT} records of the second {part.seen}, and nothing follows",
            )
        return reply

    async def listed(self, endpoint: Endpoint, part: Range, *, keys_only: bool = False) -> Reply:
        """The next page of an object's list; bare where its keys are all that is asked for."""
        bare = keys_only and endpoint.element is None
        expanded = () if bare else tuple(f"data.{name}" for name in endpoint.expand)
        return await self.page(endpoint.path, part, [*endpoint.params, *_expand(expanded)])

    async def fetch(self, endpoint: Endpoint, path: str) -> Reply | None:
        """One record as it is now; None when it is gone, stub or not."""
        expanded = () if endpoint.element else endpoint.expand
        try:
            reply = await self.get(path, _expand(expanded))
        except NotFound:
            return None
        return None if reply.body.get("deleted") else reply

    async def elements(
        self, path: str, params: Params = _NO_PARAMS, known: Sequence[Record] = ()
    ) -> list[Record]:
        """A list to its end, behind what is known of it; a page that comes twice counts once."""
        found = {element["id"]: element for element in known}
        while True:
            cursor = [("starting_after", next(reversed(found)))] if found else []
            reply = await self.get(path, [*params, ("limit", str(LIST_LIMIT)), *cursor])
            found |= {element["id"]: element for element in reply.member("data")}
            if not reply.member("has_more"):
                return list(found.values())

    async def changes(self, since: int | None) -> Changes:
        """What changed since a second, as events tell it, or recently where they do not reach."""
        bounds = Range(since=since)
        first = await self.page(EVENTS, bounds)
        reach = int((first.served_at - EVENTS_REACH).timestamp())
        if since is None or since < reach:
            since = int((first.served_at - RECENT).timestamp())
        found = Changes(since, first.served_at)
        events = first.member("data")
        found.add(events)
        if first.member("has_more") and events[-1]["created"] >= since:
            async with together() as group:
                for part, types in _left_to_scan(since, events):
                    group.create_task(self._scan(found, part, types, group))
        return found

    async def _scan(
        self, found: Changes, part: Range, types: Sequence[str], group: asyncio.TaskGroup
    ) -> None:
        reply = await self.page(EVENTS, part, [("types[]", kind) for kind in types])
        events = reply.member("data")
        found.add(events)
        found.served_at = min(found.served_at, reply.served_at)
        if reply.member("has_more"):
            for rest in part.rest(events, self.door.idle):
                group.create_task(self._scan(found, rest, types, group))

    async def complete_all(
        self, endpoint: Endpoint, records: Sequence[Record]
    ) -> list[Record | None]:
        """Records with embedded lists to their end and all that is only named looked up.

        An element that is gone while its list is read: the record is read anew. None: it is gone
        too.
        """
        unfinished = [at for at, record in enumerate(records) if _is_unfinished(endpoint, record)]
        if not unfinished:
            return list(records)
        completed = await side_by_side(self._complete(endpoint, records[at]) for at in unfinished)
        by_position = dict(zip(unfinished, completed, strict=True))
        return [by_position.get(at, record) for at, record in enumerate(records)]

    async def _complete(self, endpoint: Endpoint, record: Record) -> Record | None:
        try:
            return await self._looked_up(endpoint, dict(record))
        except Rejected as error:
            if error.code != "resource_missing":
                raise
        fresh = await self.fetch(endpoint, endpoint.path_of(record))
        if fresh is None:
            return None
        is_unfinished = _is_unfinished(endpoint, fresh.body)
        return await self._looked_up(endpoint, fresh.body) if is_unfinished else fresh.body

    async def _looked_up(self, endpoint: Endpoint, record: Record) -> Record:
        for name, value in record.items():
            if _is_cut(value):
                record[name] = await self._whole(endpoint, name, value)
        if record["object"] == "subscription":
            await self._name_coupons(record)
        if record["object"] == "payout":
            record["balance_transactions"] = await self._paid_out(record)
        return record

    async def _whole(
        self, endpoint: Endpoint, name: str, embedded: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """An embedded list to its end; what was expanded inside of it stays expanded."""
        url = httpx.URL(str(embedded.get("url", "")))
        if not url.path.startswith("/v1/"):
            raise ContractBroken(SYSTEM, f"a truncated list has no usable url: {url}")
        inner = [
            path.removeprefix(f"{name}.") for path in endpoint.expand if path.startswith(f"{name}.")
        ]
        params = [*url.params.multi_items(), *_expand(inner)]
        elements = await self.elements(url.path, params, embedded["data"])
        return {**embedded, "data": elements, "has_more": False}

    async def _paid_out(self, payout: Record) -> list[str]:
        """Ids of what an automatic payout paid out, which is known once it is reconciled."""
        params = [("payout", payout["id"])]
        return [one["id"] for one in await self.elements("/v1/balance_transactions", params)]

    async def _name_coupons(self, subscription: Record) -> None:
        """Put the coupon in the place of its id: the vendor expands four levels, not five.

        A coupon can be deleted and go on discounting; only its items show it then. Where nothing
        shows it, the subscription must not pass for one without discount: it loses its items,
        and so its contract.
        """
        embedded = subscription["items"]
        for discount in _discounts_of([subscription, *embedded["data"]]):
            source = discount["source"]
            if isinstance(source.get("coupon"), str):
                source["coupon"] = await self._coupon(source["coupon"]) or source["coupon"]
        if any(_is_unknown(discount) for discount in _discounts_of(embedded["data"])):
            subscription["items"] = {**embedded, "data": await self._items(subscription["id"])}
        holders = [subscription, *subscription["items"]["data"]]
        if any(_is_unknown(discount) for discount in _discounts_of(holders)):
            subscription["items"] = None

    async def _items(self, subscription: str) -> list[Record]:
        params = [("subscription", subscription), *_expand(["data.discounts.source.coupon"])]
        return await self.elements("/v1/subscription_items", params)

    async def _coupon(self, key: str) -> Mapping[str, Any] | None:
        async with self._turns[key]:
            if key not in self._coupons:
                try:
                    self._coupons[key] = (await self.get(f"/v1/coupons/{key}")).body
                except NotFound:
                    self._coupons[key] = None
            return self._coupons[key]


def _is_unfinished(endpoint: Endpoint, record: Record) -> bool:
    """Whether something of a record has to be asked for; its shape must be ours in any case."""
    missing = missing_key(record, endpoint.shape)
    if missing is not None:
        raise ContractBroken(
            SYSTEM,
            f"{record.get('object')} {record['id']} has no {missing!r}: it has the shape of "
            f"another version than {API_VERSION}",
        )
    if record.get("object") == "payout":
        return record["reconciliation_status"] == "completed"
    if record.get("object") == "subscription":
        holders = [record, *record["items"]["data"]]
        if any(_is_unknown(discount) for discount in _discounts_of(holders)):
            return True
    return any(_is_cut(value) for value in record.values())


def _is_cut(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") == "list" and bool(value.get("has_more"))


def _discounts_of(holders: Iterable[Mapping[str, Any]]) -> list[Record]:
    return [discount for holder in holders for discount in holder.get("discounts") or ()]


def _is_unknown(discount: Mapping[str, Any]) -> bool:
    """Whether nothing tells what a discount takes off."""
    coupon = discount["source"].get("coupon")
    return not isinstance(coupon, dict) or bool(coupon.get("deleted"))


def _left_to_scan(
    since: int, newest: Sequence[Mapping[str, Any]]
) -> list[tuple[Range, Sequence[str]]]:
    """Ranges of events behind the newest page, and the types to ask for (none: all of them).

    What is filtered brings only what is of use, and takes at least a call per 20 types.
    """
    wanted = event_types()
    groups = [wanted[at : at + TYPES_LIMIT] for at in range(0, len(wanted), TYPES_LIMIT)]
    until, seen = newest[0]["created"], newest[-1]["created"]
    pages_left = (seen - since) / max(until - seen, 1)
    share = sum(event["type"] in wanted for event in newest) / len(newest)
    if (pages_left + 1) * share + len(groups) / 2 < pages_left:
        return [(Range(since, until), group) for group in groups]
    return [(Range(since, None, until, newest[-1]["id"], seen, len(newest)), ())]


def _expand(names: Iterable[str]) -> list[tuple[str, str]]:
    return [("expand[]", name) for name in names]
