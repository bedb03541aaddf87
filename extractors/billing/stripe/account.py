"""The pages of one account: parts of lists, what changed, and what must be read again by id."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from extractors.billing.stripe.books import RECENT, Books, Record
from extractors.billing.stripe.changes import Change, Changes
from extractors.billing.stripe.objects import ENDPOINTS, OBJECTS, Endpoint
from extractors.billing.stripe.ranges import Range, created
from extractors.calls import Reply
from extractors.protocol import ObjectSpec, Page
from extractors.side_by_side import side_by_side

# So many records to be read again make one bookmark: several are read side by side, and a
# journal that is written after each page stays small.
WANTED_AT_ONCE = 500
# So many of them are read by id in one step.
ALONE_AT_ONCE = 20

Wanted = Mapping[str, Any]

_DECIMALS = {
    name: [item.path[0] for item in spec.fields if item.kind == "decimal"]
    for name, spec in OBJECTS.items()
}


@dataclass(frozen=True)
class Account:
    """One account; its id lands with its records, None where it is the account of the key."""

    id: str | None
    books: Books
    _scans: list[Changes] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def changes(self, since: int | None) -> Changes:
        """Changes since then or longer, recent ones for None: scanned once for all who ask."""
        async with self._turn:
            for scan in self._scans:
                recent = int((scan.served_at - RECENT).timestamp())
                if scan.since <= (recent if since is None else since):
                    return scan
            scan = await self.books.changes(since)
            self._scans.append(scan)
            return scan

    async def listed(
        self, spec: ObjectSpec, part: Range, since: int | None, *, keys_only: bool = False
    ) -> Page:
        """A page of a list, with the change times that are known since then."""
        endpoint = ENDPOINTS[spec.name]
        scan = await self.changes(since)
        reply = await self.books.listed(endpoint, part, keys_only=keys_only)
        found = reply.member("data")
        records: list[Record | None] = found
        if not keys_only or endpoint.element:
            records = await self.books.complete_all(endpoint, found)
        idle = self.books.door.idle if endpoint.by_created else 0
        rest = part.rest(found, idle) if reply.member("has_more") else ()
        told = scan.of(spec.name)
        live = [
            self._marked(spec, one) for record in records if record for one in endpoint.of(record)
        ]
        return Page(
            served_at=min(reply.served_at, scan.served_at),
            records=live,
            changed_at={one["id"]: told[one["id"]].changed_at for one in live if one["id"] in told},
            rest=[
                {
                    "account": self.id,
                    "range": one.bookmark(),
                    "since": scan.since,
                    "keys_only": keys_only,
                }
                for one in rest
            ],
        )

    async def changed(self, spec: ObjectSpec, since: int) -> Page:
        """What changed since then: as events show it, or else as bookmarks to read it again.

        The first of these is followed at once: should the records come from a replica that lags,
        its time is the watermark.
        """
        endpoint = ENDPOINTS[spec.name]
        scan = await self.changes(since)
        told = scan.of(spec.name)
        shown = {key: change for key, change in told.items() if change.state is not None}
        states = [dict(change.state) for change in shown.values() if change.state is not None]
        records = await self.books.complete_all(endpoint, states)
        gone = [key for key, change in told.items() if change.deleted]
        gone += [key for key, record in zip(shown, records, strict=True) if record is None]
        pages = [
            Page(
                served_at=scan.served_at,
                records=[self._marked(spec, record) for record in records if record is not None],
                tombstones=[self._stone(key) for key in gone],
                changed_at={key: change.changed_at for key, change in shown.items()},
            )
        ]
        wanted = _to_reread(endpoint, told)
        if wanted:
            pages.append(await self.reread(spec, wanted[0], None))
        if endpoint.lists_new:
            pages.append(await self.listed(spec, Range(since=since), scan.since))
        rest = [{"account": self.id, "wanted": some, "span": None} for some in wanted[1:]]
        return merged([*pages, Page(scan.served_at, rest=rest)])

    async def reread(self, spec: ObjectSpec, wanted: Sequence[Wanted], span: int | None) -> Page:
        """Records again as they are now, newest first: by id, or by a page that holds several.

        A page of the list costs as much as one record by id. `span` is how many seconds the last
        page reached: a record without another one as near as that is read by id.
        """
        endpoint = ENDPOINTS[spec.name]
        alone = _alone(wanted, span)
        page: list[Record] = []
        replies: list[Reply] = []
        if not alone:
            reply = await self.books.listed(endpoint, Range(until=wanted[0]["created"]))
            replies.append(reply)
            page = reply.member("data")
            alone = _passed(wanted, page, is_last=not reply.member("has_more"))
            span = created(page[0]) - created(page[-1]) if page else 0
        fetched = await side_by_side(self.books.fetch(endpoint, one["path"]) for one in alone)
        replies += [reply for reply in fetched if reply is not None]
        asked = {one["id"]: one for one in wanted}
        found = [record for record in page if record["id"] in asked]
        found += [reply.body for reply in fetched if reply is not None]
        done = {record["id"] for record in found} | {one["id"] for one in alone}
        records = await self.books.complete_all(endpoint, found)
        live = [self._marked(spec, record) for record in records if record is not None]
        kept = {record["id"] for record in live}
        left = [one for one in wanted if one["id"] not in done]
        return Page(
            served_at=await self._served_at(replies),
            records=live,
            tombstones=[self._stone(key) for key in done - kept],
            changed_at={key: asked[key]["changed_at"] for key in kept},
            rest=[{"account": self.id, "wanted": left, "span": span}] if left else (),
        )

    async def _served_at(self, replies: Sequence[Reply]) -> datetime:
        """When the source answered; where all records are gone, it is asked for nothing else."""
        if not replies:
            replies = [await self.books.get("/v1/events", [("limit", "1")])]
        return min(reply.served_at for reply in replies)

    def _marked(self, spec: ObjectSpec, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record as it lands: with its account, and with exact text for decimal numbers."""
        numbers = [
            name for name in _DECIMALS[spec.name] if isinstance(record.get(name), int | Decimal)
        ]
        if self.id is None and not numbers:
            return record
        account = {} if self.id is None else {"account": self.id}
        return {**record, **account, **{name: str(record[name]) for name in numbers}}

    def _stone(self, key: str) -> dict[str, str]:
        return {"id": key} if self.id is None else {"id": key, "account": self.id}


def merged(pages: Sequence[Page]) -> Page:
    """Several answers as one; it is as old as the oldest of them."""
    return Page(
        served_at=min(page.served_at for page in pages),
        records=[one for page in pages for one in page.records if isinstance(one, Mapping)],
        tombstones=[stone for page in pages for stone in page.tombstones],
        changed_at={key: at for page in pages for key, at in page.changed_at.items()},
        rest=[bookmark for page in pages for bookmark in page.rest],
    )


def _to_reread(endpoint: Endpoint, told: Mapping[str, Change]) -> list[list[Wanted]]:
    """What events do not show in our shape, newest first."""
    by_creation: list[Wanted] = [
        {
            "id": key,
            "path": change.path,
            "created": change.created if endpoint.by_created and not endpoint.element else None,
            "changed_at": change.changed_at,
        }
        for key, change in told.items()
        if not change.is_known
    ]
    by_creation.sort(key=lambda one: (one["created"] or 0, one["id"]), reverse=True)
    return [
        by_creation[at : at + WANTED_AT_ONCE] for at in range(0, len(by_creation), WANTED_AT_ONCE)
    ]


def _alone(wanted: Sequence[Wanted], span: int | None) -> list[Wanted]:
    """The first records that have no other one near: those that a page would bring alone."""
    near = (_is_near(one, older, span) for one, older in itertools.pairwise(wanted))
    first = next((at for at, is_near in enumerate(near) if is_near), len(wanted))
    return list(wanted[: min(first, ALONE_AT_ONCE)])


def _is_near(one: Wanted, older: Wanted, span: int | None) -> bool:
    if one["created"] is None or older["created"] is None:
        return False
    return span is None or one["created"] - older["created"] <= span


def _passed(wanted: Sequence[Wanted], page: Sequence[Record], *, is_last: bool) -> list[Wanted]:
    """Records that a page reaches over and does not hold, and the first one in any case."""
    held = {record["id"] for record in page}
    oldest = created(page[-1]) if page else 0
    return [
        one
        for at, one in enumerate(wanted)
        if one["id"] not in held
        and (at == 0 or (one["created"] is not None and (is_last or one["created"] > oldest)))
    ]
