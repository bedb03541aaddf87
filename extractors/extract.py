"""One night's reading: from a source to published days of the raw zone.

A published day is never read again. What was interrupted goes on from where it was.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from extractors.errors import BookmarkExpired, ContractBroken, LateExtraction
from extractors.garbage import rarely_searched
from extractors.journal import Agreement, Begun
from extractors.landing import Landing, schema_hash
from extractors.manifest import Manifest
from extractors.protocol import Bookmark, ObjectSpec, Reader, SourceTotals, Start
from extractors.raw_zone import RawZone
from extractors.schema_drift import Schema, compared, observed
from extractors.side_by_side import side_by_side, together
from extractors.telemetry import traced

log = logging.getLogger(__name__)
T = TypeVar("T")

# A source is read during the night after D; a day of delay is tolerated.
LATEST_DAYS = 2
# So many records and not one that keeps its contract: the format changed, not the records.
FORMAT_CHANGED_AT = 20


@dataclass(frozen=True)
class _Read:
    """One object on its way, and the scan of its keys where one is due.

    `noted` are done when the last pages of both are on disk.
    """

    spec: ObjectSpec
    landing: Landing
    noted: Sequence[Future[None]]
    keys: Landing | None = None


async def extract_system(
    source: Reader,
    raw: RawZone,
    snapshot_date: date,
    names: Iterable[str] | None = None,
    *,
    full: bool = False,
    key_scan_days: int | None = None,
) -> list[Manifest]:
    """All objects of a system (or those named), side by side; in the order of declaration.

    `full` reads everything whatever the cursors say. An incremental read is accompanied by a
    scan of all keys when the last complete one is `key_scan_days` days old (None: never): the
    only way to see records that vanished from a source without a trace. The first failure ends
    the others; the next call goes on where they were. A past day that was read before an object
    was known to us is replayed without it.
    """
    chosen = set(source.objects if names is None else names)
    wanted = [name for name in source.objects if name in chosen]
    published = {name: raw.published(source.system, name, snapshot_date) for name in wanted}
    known = _known_on(source, raw, snapshot_date)
    unread = [source.objects[name] for name in wanted if published[name] is None and known(name)]
    if unread:
        # A source goes on living while it is read: its totals are asked before and after, and
        # what landed may lie between them.
        first = full or not any(raw.days(source.system, spec.name) for spec in unread)
        before = await source.totals(unread, is_first_load=first)
        with rarely_searched(), ThreadPoolExecutor(1, "landing") as aside:
            reading = _Reading(source, raw, snapshot_date, full, key_scan_days, aside)
            reads = await side_by_side(reading.read(spec, before.get(spec.name)) for spec in unread)
            async with together() as group:
                told = group.create_task(source.totals(unread, is_first_load=first))
                for read in reads:
                    group.create_task(reading.settled(read))
        after = told.result()
        manifests = await side_by_side(
            asyncio.to_thread(
                read.landing.publish, after.get(read.spec.name, SourceTotals()), read.keys
            )
            for read in reads
        )
        published |= {manifest.object: manifest for manifest in manifests}
    return [manifest for manifest in published.values() if manifest is not None]


async def extract_object(
    source: Reader,
    name: str,
    raw: RawZone,
    snapshot_date: date,
    *,
    full: bool = False,
    key_scan_days: int | None = None,
) -> Manifest:
    """The manifest of that day: as published before, or after reading it now."""
    manifests = await extract_system(
        source, raw, snapshot_date, [name], full=full, key_scan_days=key_scan_days
    )
    return manifests[0]


@dataclass(frozen=True)
class _Reading:
    """What all objects of one call have in common.

    `aside` is one thread that checks and writes while answers come in: done between answers, it
    made them wait, and half of what a vendor allows was left unused.
    """

    source: Reader
    raw: RawZone
    day: date
    full: bool
    key_scan_days: int | None
    aside: ThreadPoolExecutor

    async def read(self, spec: ObjectSpec, totals: SourceTotals | None) -> _Read:
        """Everything that is to land, on its way to disk and not yet published."""
        with traced(f"read {spec.name}", system=self.source.system, object=spec.name):
            return await self._read(spec, totals)

    async def _read(self, spec: ObjectSpec, totals: SourceTotals | None) -> _Read:
        cursor_from = _cursor(self.source, spec.name, self.raw, self.day)
        cursor_from = None if self.full else cursor_from
        landing = self.raw.landing(self.source.system, spec, self.day)
        totals = totals or SourceTotals()
        noted = await self._land(spec, landing, cursor_from, totals, keys_only=False)
        assert landing.begun is not None
        if landing.begun.mode == "full" or not self._is_key_scan_due(spec):
            return _Read(spec, landing, [noted])
        keys = self.raw.key_landing(self.source.system, spec, self.day)
        keys_noted = await self._land(spec, keys, None, totals, keys_only=True)
        return _Read(spec, landing, [noted, keys_noted], keys)

    async def settled(self, read: _Read) -> None:
        """Return when an object is on disk; what is in no known format is not kept there."""
        await asyncio.gather(*map(asyncio.wrap_future, read.noted))
        for landing in filter(None, (read.landing, read.keys)):
            try:
                _require_known_format(self.source.system, landing)
            except ContractBroken:
                self._finish_aside(landing.abandon)
                raise

    def _is_key_scan_due(self, spec: ObjectSpec) -> bool:
        """Children vanish with their parents, and what has no cursor is read in full anyway."""
        if self.key_scan_days is None or spec.cursor is None or spec.parent is not None:
            return False
        if not spec.is_listed:
            return False
        last = self.raw.last_complete(self.source.system, spec.name)
        return last is None or (self.day - last).days >= self.key_scan_days

    async def _land(
        self,
        spec: ObjectSpec,
        landing: Landing,
        cursor_from: datetime | None,
        totals: SourceTotals,
        *,
        keys_only: bool,
    ) -> Future[None]:
        """Read every page; the last of them may still be on their way to disk."""
        agreement = Agreement(
            cursor_from, keys_only, self.source.api_version, schema_hash(landing.spec)
        )
        is_resumed = landing.resume(agreement)
        try:
            if not is_resumed:
                start = await self.source.begin(spec, cursor_from, keys_only=keys_only)
                self._require_in_time(spec.name, start.page.served_at)
                schema, drift = (Schema({}), []) if keys_only else await self._schema(spec, start)
                watermark_at = start.page.served_at
                begun = Begun(agreement, start.mode, watermark_at, totals, schema, drift)
                await self._do_aside(landing.begin, begun, start.page)
            await self._go_on(spec, landing)
            return self.aside.submit(landing.checkpoint)
        except BookmarkExpired as error:
            self._finish_aside(landing.abandon)
            if not is_resumed:
                raise
            log.warning("%s; %s is read anew", error, spec.name)
            return await self._land(spec, landing, cursor_from, totals, keys_only=keys_only)
        except (ContractBroken, LateExtraction):
            self._finish_aside(landing.abandon)
            raise
        except BaseException:
            self._finish_aside(_leave, landing)
            raise

    async def _go_on(self, spec: ObjectSpec, landing: Landing) -> None:
        """Follow every bookmark to its end; the door's limits say how many at a time."""

        async def visit(token: int, bookmark: Bookmark) -> None:
            page = await self.source.proceed(spec, bookmark)
            self._require_in_time(spec.name, page.served_at)
            opened = landing.add(page, token)
            if landing.is_full:
                await self._do_aside(landing.spill, landing.batch())
            follow(opened)

        def follow(bookmarks: Mapping[int, Bookmark]) -> None:
            for token, bookmark in bookmarks.items():
                group.create_task(visit(token, bookmark))

        async with together() as group:
            follow(dict(landing.left))

    async def _do_aside(self, work: Callable[..., None], *arguments: Any) -> None:
        """Whoever waits may be cancelled, the work may not: its pages are in no journal yet."""
        done = self.aside.submit(work, *arguments)
        await asyncio.shield(asyncio.wrap_future(done))

    def _finish_aside(self, work: Callable[..., None], *arguments: Any) -> None:
        """Last of all that is written of an object; nothing can be awaited by who is cancelled."""
        self.aside.submit(work, *arguments).result()

    async def _schema(self, spec: ObjectSpec, start: Start) -> tuple[Schema, list[str]]:
        """The vendor's fields as known from now on, and what changed in them.

        The vendor itself is asked with full reads only: to ask costs a call per object.
        """
        days = self.raw.days(self.source.system, spec.name)
        last = self.raw.published(self.source.system, spec.name, days[-1]) if days else None
        before = last.vendor_schema if last else None
        if start.mode == "full":
            described = await self.source.vendor_fields(spec)
            now = observed(start.page) if described is None else Schema(described, True)
        elif before and before.is_described:
            return before, []
        else:
            now = observed(start.page)
        known, drift = compared(self.source.system, spec, before, now, len(start.page.records))
        for message in drift:
            log.warning("schema drift: %s", message)
        return known, drift

    def _require_in_time(self, name: str, served_at: datetime) -> None:
        today = served_at.date()
        days = (today - self.day).days
        if days > LATEST_DAYS:
            raise LateExtraction(
                self.source.system,
                f"{name} of {self.day} cannot be read on {today}: a source can only be read as "
                f"it is now, and at most {LATEST_DAYS} days late; days that were extracted are "
                "replayed from the raw zone",
            )
        if days < 0:
            raise LateExtraction(
                self.source.system,
                f"{name} of {self.day} cannot be read yet: the source's date is {today}",
            )


def _known_on(source: Reader, raw: RawZone, snapshot_date: date) -> Callable[[str], bool]:
    """Which objects a night of that day reads: of one that is past those that were read then."""
    days = {name: raw.days(source.system, name) for name in source.objects}
    is_stored = any(snapshot_date in found for found in days.values())
    is_past = any(found[-1] > snapshot_date for found in days.values() if found)
    return lambda name: (
        not (is_stored and is_past) or any(day <= snapshot_date for day in days[name])
    )


def _leave(landing: Landing) -> None:
    """Keep what was read for the next time, if there is anything."""
    if landing.begun is None:
        landing.abandon()
    else:
        landing.checkpoint()


def _cursor(source: Reader, name: str, raw: RawZone, snapshot_date: date) -> datetime | None:
    """Where the last published day before D ended; a day after D makes D unreadable for good."""
    days = raw.days(source.system, name)
    if days and days[-1] > snapshot_date:
        raise LateExtraction(
            source.system,
            f"{name} of {snapshot_date} cannot be read: {days[-1]} is already extracted, and a "
            "source can only be read as it is now; replay what the raw zone holds instead",
        )
    if not days:
        return None
    before = raw.published(source.system, name, days[-1])
    assert before is not None
    return before.cursor_to


def _require_known_format(system: str, landing: Landing) -> None:
    example = landing.example()
    if example and FORMAT_CHANGED_AT <= landing.rejected == landing.read:
        raise ContractBroken(
            system,
            f"{landing.spec.name}: none of {landing.read} records keeps the contract "
            f"({example.reason}); the format seems to have changed, compare objects.py with it",
        )
