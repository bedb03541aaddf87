"""One night's reading: from a source to published days of the raw zone.

A published day is never read again. What was interrupted leaves nothing and starts over.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime

from extractors.errors import ContractBroken, LateExtraction
from extractors.protocol import ObjectSpec, Page, Source
from extractors.raw_zone import Landing, Manifest, RawZone, Totals

# A source is read during the night after D; a day of delay is tolerated.
LATEST_DAYS = 2
# So many records and not one that keeps its contract: the format changed, not the records.
FORMAT_CHANGED_AT = 20


async def extract_system(
    source: Source,
    raw: RawZone,
    snapshot_date: date,
    names: Iterable[str] | None = None,
    *,
    full: bool = False,
) -> list[Manifest]:
    """All objects of a system (or those named), side by side; in the order of declaration.

    `full` reads everything whatever the cursors say: the cure where records vanished from a
    source without a trace. The first failure ends the others; what was published until then
    stays and is not repeated.
    """
    chosen = set(source.objects if names is None else names)
    wanted = [name for name in source.objects if name in chosen]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(extract_object(source, name, raw, snapshot_date, full=full))
                for name in wanted
            ]
    except ExceptionGroup as errors:
        raise _first(errors) from errors
    return [task.result() for task in tasks]


async def extract_object(
    source: Source, name: str, raw: RawZone, snapshot_date: date, *, full: bool = False
) -> Manifest:
    """The manifest of that day: as published before, or after reading it now."""
    published = raw.published(source.system, name, snapshot_date)
    if published is not None:
        return published
    spec = source.objects[name]
    cursor_from = _cursor(source, name, raw, snapshot_date)
    landing = raw.begin(source.system, spec, snapshot_date)
    try:
        totals = await _land(source, spec, landing, None if full else cursor_from, snapshot_date)
        return landing.publish(totals)
    except BaseException:
        landing.abandon()
        raise


async def _land(
    source: Source,
    spec: ObjectSpec,
    landing: Landing,
    cursor_from: datetime | None,
    snapshot_date: date,
) -> Totals:
    # A source goes on living while it is read: its totals are asked before and after, and what
    # landed may lie between them.
    count_before = await source.count(spec)
    sums_before = await source.control_sums(spec)
    pages: AsyncIterator[Page] = source.read(spec, cursor_from)
    first: Page | None = None
    last: Page | None = None
    async for page in pages:
        if first is None:
            first = page
            _require_in_time(source.system, spec.name, page.served_at.date(), snapshot_date)
        landing.add(page)
        last = page
    if first is None or last is None:
        raise ContractBroken(source.system, f"{spec.name}: the read gave no page, not even empty")
    landing.flush()
    _require_known_format(source.system, landing)
    return Totals(
        mode=first.mode,
        cursor_from=cursor_from if first.mode == "incremental" else None,
        watermark_at=first.served_at,
        extracted_at=last.served_at,
        source_count_before=count_before,
        source_count=await source.count(spec),
        source_sum_minor_before=sums_before,
        source_sum_minor=await source.control_sums(spec),
        api_version=source.api_version,
    )


def _cursor(source: Source, name: str, raw: RawZone, snapshot_date: date) -> datetime | None:
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


def _require_in_time(system: str, name: str, today: date, snapshot_date: date) -> None:
    days = (today - snapshot_date).days
    if days > LATEST_DAYS:
        raise LateExtraction(
            system,
            f"{name} of {snapshot_date} cannot be read on {today}: a source can only be read as "
            f"it is now, and at most {LATEST_DAYS} days late; days that were extracted are "
            "replayed from the raw zone",
        )
    if days < 0:
        raise LateExtraction(
            system,
            f"{name} of {snapshot_date} cannot be read yet: the source's date is {today}",
        )


def _require_known_format(system: str, landing: Landing) -> None:
    if landing.rejects_everything and len(landing.quarantined) >= FORMAT_CHANGED_AT:
        example = landing.quarantined[0]
        raise ContractBroken(
            system,
            f"{landing.spec.name}: none of {len(landing.quarantined)} records keeps the contract "
            f"({example.reason}); the format seems to have changed, compare objects.py with it",
        )


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that came first, out of groups in groups."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
