"""Reads what meters counted: per customer with a metered item, by UTC day.

The vendor has no list of usage. A meter's summaries are asked for by customer
(docs.stripe.com/api/billing/meter-event-summary), so its customers are found first: its prices,
their subscriptions. Summaries follow the events with a delay ("eventually consistent"), events are
told late, and can be taken back within a day; each night therefore asks again for the days of
`LATE` before its cursor, which costs one call per customer. The vendor takes events of up to 35
days ago (docs.stripe.com/api/billing/meter-event/create): later than `LATE` they show in a full
read only. What was used by an item that its subscription has lost since, or by a customer that is
gone, is not asked for any more: what was read of it stays. No read replaces all that is known, and
what a scan of keys does not tell has not vanished.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from extractors.billing.stripe.books import Books
from extractors.billing.stripe.metered import DAY, Metered, joined, metered, since_of
from extractors.billing.stripe.ranges import LIST_LIMIT
from extractors.calls import Params, Reply
from extractors.errors import NotFound, Rejected
from extractors.protocol import Page
from extractors.side_by_side import side_by_side

METERS = "/v1/billing/meters"
# How late an event may be told, by the drift catalogue's default.
LATE = timedelta(hours=72)

Record = dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """Usage in one account; the account's id lands with its records where it has one."""

    account: str | None
    books: Books

    async def begun(self, since: int | None) -> Page:
        """The first customer's usage since then (None: all of it), and bookmarks of the others."""
        first = await self.books.get(METERS, [("limit", str(LIST_LIMIT))])
        now = int(first.served_at.timestamp())
        meters = first.member("data")
        if first.member("has_more"):
            meters = await self.books.elements(METERS, known=meters)
        found = [one async for one in self._found(meters, since, now)]
        wanted = joined(found)
        if not wanted:
            return Page(first.served_at)
        page = await self.read(wanted[0])
        rest = [self._bookmark(one) for one in wanted[1:]]
        return replace(
            page,
            served_at=min(page.served_at, first.served_at),
            rest=[*page.rest, *rest],
        )

    async def _found(
        self, meters: Sequence[Record], since: int | None, now: int
    ) -> AsyncIterator[Metered]:
        """What is to be asked: every metered item of every subscription, ended or not."""
        for meter in meters:
            prices = await self.books.elements("/v1/prices", [("recurring[meter]", meter["id"])])
            for price in prices:
                sold = [("price", price["id"]), ("status", "all")]
                for subscription in await self.books.elements("/v1/subscriptions", sold):
                    for item in await self._items(subscription):
                        is_asked = item["price"]["id"] == price["id"]
                        one = metered(subscription, item, since, now) if is_asked else None
                        if one is not None:
                            yield one

    async def _items(self, subscription: Record) -> list[Record]:
        embedded = subscription["items"]
        if not embedded["has_more"]:
            return list(embedded["data"])
        named = [("subscription", subscription["id"])]
        return await self.books.elements("/v1/subscription_items", named, embedded["data"])

    async def read(self, one: Metered) -> Page:
        """A page of a customer's days, the newest first; the days before it are left.

        What was known of a day and is not told any more is gone.
        """
        try:
            reply, days = await self._days(one)
            earlier = None
            if days and reply.member("has_more"):
                earlier, one = one.parted(days[-1]["start_time"])
            parts = await self._parts(one, days)
        except (NotFound, Rejected) as error:
            if error.code != "resource_missing":
                raise
            # The customer is gone: nobody tells any more what it used, what is known of it stays.
            return Page((await self._nothing()).served_at)
        whole = [day for day in days if not one.is_cut(day["start_time"])]
        records = [self._landed(one, told) for told in [*whole, *parts] if told["aggregated_value"]]
        lately = since_of(reply.served_at, LATE + timedelta(days=1))
        records += [self._landed(one, told) for told in _empty_days(one, records, lately)]
        told = {record["start_time"] for record in records}
        gone = [at for at in _starts(one) if at not in told]
        return Page(
            served_at=reply.served_at,
            records=records,
            tombstones=[self._stone(one, at) for at in gone],
            rest=[self._bookmark(earlier)] if earlier else (),
        )

    async def _days(self, one: Metered) -> tuple[Reply, list[Record]]:
        if one.since >= one.until:
            return await self._nothing(), []
        params = [("value_grouping_window", "day"), ("limit", str(LIST_LIMIT))]
        reply = await self._asked(one, (one.since, one.until), params)
        return reply, reply.member("data")

    async def _nothing(self) -> Reply:
        """The source's clock, where there is nothing to ask it for."""
        return await self.books.get(METERS, [("limit", "1")])

    async def _parts(self, one: Metered, days: Sequence[Record]) -> list[Record]:
        """The days that are cut, part by part; of the day that is not over what is."""
        cut = [day["start_time"] for day in days if one.is_cut(day["start_time"])]
        if one.last_day is not None:
            cut.append(one.last_day)
        spans = [span for day in cut for span in one.parts(day)]
        replies = await side_by_side(self._asked(one, span) for span in spans)
        return [told for reply in replies for told in reply.member("data")]

    async def _asked(self, one: Metered, span: tuple[int, int], params: Params = ()) -> Reply:
        start, end = span
        bounds = [("customer", one.customer), ("start_time", str(start)), ("end_time", str(end))]
        return await self.books.get(f"{METERS}/{one.meter}/event_summaries", [*bounds, *params])

    def _landed(self, one: Metered, told: Mapping[str, Any]) -> Record:
        """The vendor's summary with its customer, under a key that does not change with its end."""
        value = told["aggregated_value"]
        return {
            **self._stone(one, told["start_time"]),
            "meter": one.meter,
            "customer": one.customer,
            "aggregated_value": format(Decimal(value), "f"),
            "start_time": told["start_time"],
            "end_time": told["end_time"],
        }

    def _stone(self, one: Metered, start: int) -> Record:
        key = {"id": f"{one.meter}:{one.customer}:{start}"}
        return key if self.account is None else {**key, "account": self.account}

    def _bookmark(self, one: Metered) -> Record:
        return {"account": self.account, "usage": one.bookmark()}


def _empty_days(one: Metered, records: Sequence[Record], lately: int) -> Iterator[Record]:
    """A nought for each day since `lately` in which nothing was used.

    It says that the day was read: what was read of it before, in other parts, holds no more.
    Earlier days are asked for again in a full read only; what is gone from them goes by tombstone.
    """
    used = {record["start_time"] // DAY for record in records}
    for day in one.days:
        if day >= lately and day // DAY not in used:
            yield {"aggregated_value": 0, "start_time": day, "end_time": day + DAY}


def _starts(one: Metered) -> list[int]:
    """Where the stretches begin that were asked for."""
    last = [] if one.last_day is None else [one.last_day]
    starts = {start for day in [*one.days, *last] for start, _ in one.parts(day)}
    return sorted(starts)
