"""Killed at any page and started again, an extraction lands exactly what the source holds."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.errors import BookmarkExpired, ContractBroken, LateExtraction
from extractors.extract import extract_object, extract_system
from extractors.journal import Agreement, Begun
from extractors.landing import Landing
from extractors.protocol import Page, SourceTotals, Start
from extractors.raw_zone import RawZone
from extractors.registry import SOURCES
from extractors.schema_drift import Schema
from tests.effort import examples

DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
PAGE = 3


class Killed(BaseException):
    """What no error handler catches on its way."""


def record(number, **values):
    base = {"id": f"prod_{number:03}", "name": "a", "active": True, "created": number}
    return {**base, "metadata": {"sku": "S"}, **values}


@dataclass
class Shelf:
    """A source of products, read in ranges that split in two, and killed when told to."""

    records: list[dict[str, Any]]
    kill_at: set[int] = field(default_factory=set)
    expire_at: set[int] = field(default_factory=set)
    at: datetime = AT
    calls: int = 0
    begun: int = 0
    is_dead: bool = False
    system: str = "stripe"
    api_version: str = "test"
    objects: dict[str, Any] = field(default_factory=lambda: SOURCES["stripe"])
    door: Any = field(default_factory=SimpleNamespace)

    async def begin(self, spec, cursor_from, *, keys_only=False):  # noqa: ARG002
        self.begun += 1
        mode = "full" if cursor_from is None else "incremental"
        return Start(mode, await self.proceed(spec, {"from": 0, "to": len(self.records)}))

    async def proceed(self, spec, bookmark):  # noqa: ARG002
        self.calls += 1
        call = self.calls
        await asyncio.sleep(0)
        if call in self.kill_at:
            self.is_dead = True
            raise Killed
        if call in self.expire_at:
            raise BookmarkExpired(self.system, "the vendor no longer knows this place")
        first, last = bookmark["from"], bookmark["to"]
        end = min(first + PAGE, last)
        middle = (end + last + 1) // 2
        parts = [(end, middle), (middle, last)] if last - end > PAGE else [(end, last)]
        rest = [{"from": a, "to": b} for a, b in parts if a < b]
        return Page(self.at, self.records[first:end], rest=rest)

    async def totals(self, specs, *, is_first_load=False):  # noqa: ARG002
        return {one.name: SourceTotals(len(self.records)) for one in specs}

    async def vendor_fields(self, spec):  # noqa: ARG002
        return None


def extract(source, root, **options):
    return asyncio.run(extract_object(source, "product", RawZone(root), DAY, **options))


def landed(root, day=DAY):
    file = RawZone(root).folder("stripe", "product", day) / "part-0.parquet"
    return sorted(pl.read_parquet(file)["id"])


@pytest.mark.parametrize("chunk_rows", [1, 4, 5_000])
@settings(max_examples=examples(25), deadline=None)
@given(
    count=st.integers(0, 60),
    kills=st.sets(st.integers(1, 60), max_size=6),
)
def test_killed_at_any_pages_nothing_is_lost_or_doubled(tmp_path_factory, chunk_rows, count, kills):
    root = tmp_path_factory.mktemp("raw")
    records = [record(number) for number in range(count)]
    source = Shelf(records, kill_at=kills)
    manifest = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extractors.landing.CHUNK_ROWS", chunk_rows)
        # A killed process writes nothing more.
        write = Landing.checkpoint
        patch.setattr(Landing, "checkpoint", lambda self: None if source.is_dead else write(self))
        for _ in range(len(kills) + 1):
            source.is_dead = False
            with suppress(Killed, BaseExceptionGroup):
                manifest = extract(source, root)
                break
    assert manifest is not None
    assert landed(root) == [one["id"] for one in records]
    assert (manifest.landed, manifest.source_count) == (count, count)
    assert not list((root / ".staging").iterdir())


def test_a_restart_reads_only_what_no_chunk_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("extractors.landing.CHUNK_ROWS", 1)
    source = Shelf([record(number) for number in range(60)], kill_at={11})
    with pytest.raises((Killed, BaseExceptionGroup)):
        extract(source, tmp_path)
    extract(source, tmp_path)
    pages = 60 / PAGE
    assert source.begun == 1
    assert source.calls < 1.5 * pages
    assert len(landed(tmp_path)) == 60


def test_a_restart_that_asks_for_something_else_begins_anew(tmp_path):
    source = Shelf([record(number) for number in range(20)], kill_at={3})
    with pytest.raises((Killed, BaseExceptionGroup)):
        extract(source, tmp_path)
    source.api_version = "another"
    assert extract(source, tmp_path).landed == 20
    assert source.begun == 2


def test_a_bookmark_that_expired_meanwhile_begins_anew(tmp_path):
    source = Shelf([record(number) for number in range(20)], kill_at={3})
    with pytest.raises((Killed, BaseExceptionGroup)):
        extract(source, tmp_path)
    source.expire_at = {source.calls + 1}
    assert extract(source, tmp_path).landed == 20
    assert source.begun == 2


def test_a_bookmark_that_expires_at_once_is_an_error(tmp_path):
    source = Shelf([record(number) for number in range(20)], expire_at={2})
    with pytest.raises(BookmarkExpired):
        extract(source, tmp_path)
    assert not list((tmp_path / ".staging").iterdir())


def test_a_restart_that_comes_too_late_is_refused(tmp_path):
    source = Shelf([record(number) for number in range(20)], kill_at={3})
    with pytest.raises((Killed, BaseExceptionGroup)):
        extract(source, tmp_path)
    source.at = datetime(2026, 3, 9, tzinfo=UTC)
    with pytest.raises(LateExtraction, match="at most 2 days late"):
        extract(source, tmp_path)
    assert not list((tmp_path / ".staging").iterdir())


def test_a_past_day_is_replayed_without_an_object_that_was_not_known_then(tmp_path):
    known = {"product": SOURCES["stripe"]["product"]}
    source = Shelf([record(1)], objects=known)
    next_day = DAY + timedelta(days=1)
    night = lambda day: asyncio.run(extract_system(source, RawZone(tmp_path), day))  # noqa: E731
    stored = night(DAY)
    source.at += timedelta(days=1)
    night(next_day)
    source.objects = known | {"price": SOURCES["stripe"]["price"]}
    calls = source.calls
    assert night(DAY) == stored
    assert source.calls == calls
    with pytest.raises(LateExtraction, match="is already extracted"):
        night(DAY - timedelta(days=1))
    night(next_day)
    assert source.calls > calls


def test_a_torn_journal_begins_anew(tmp_path):
    source = Shelf([record(number) for number in range(20)], kill_at={3})
    with pytest.raises((Killed, BaseExceptionGroup)):
        extract(source, tmp_path)
    (journal,) = tmp_path.glob(".staging/*/journal.json")
    journal.write_text(journal.read_text()[:40])
    assert extract(source, tmp_path).landed == 20
    assert source.begun == 2


def begun_landing(root):
    landing = RawZone(root).landing("stripe", SOURCES["stripe"]["product"], DAY)
    landing.restart()
    agreement = Agreement(None, False, "test", "hash")
    begun = Begun(agreement, "full", AT, SourceTotals(), Schema({}), [])
    landing.begin(begun, Page(AT, [record(0)], rest=[{"part": 1}, {"part": 2}]))
    return landing, agreement


def test_a_page_that_came_while_a_batch_was_being_spilled_is_still_to_be_read(tmp_path):
    landing, agreement = begun_landing(tmp_path)
    first, second = landing.left
    landing.add(Page(AT, [record(1)]), first)
    batch = landing.batch()
    landing.add(Page(AT, [record(2)]), second)
    landing.spill(batch)
    resumed = RawZone(tmp_path).landing("stripe", landing.spec, DAY)
    assert resumed.resume(agreement)
    assert list(resumed.left.values()) == [{"part": 2}]
    assert resumed.read == 2


def no_room(_):
    raise OSError("no room")


def test_after_a_batch_that_could_not_be_spilled_nothing_is_noted(tmp_path, monkeypatch):
    """Else a later note would say that its pages were read, which are in no chunk."""
    landing, agreement = begun_landing(tmp_path)
    first, second = landing.left
    landing.add(Page(AT, [record(1)]), first)
    with monkeypatch.context() as patch:
        patch.setattr(Landing, "_spill", no_room)
        with pytest.raises(OSError, match="no room"):
            landing.spill(landing.batch())
    landing.add(Page(AT, [record(2)]), second)
    landing.checkpoint()
    resumed = RawZone(tmp_path).landing("stripe", landing.spec, DAY)
    assert resumed.resume(agreement)
    assert list(resumed.left.values()) == [{"part": 1}, {"part": 2}]


def test_a_failure_waits_for_what_is_being_written_before_it_starts_over(tmp_path, monkeypatch):
    """A chunk that is still being written must not end up in the folder of the next attempt."""
    monkeypatch.setattr("extractors.landing.CHUNK_ROWS", 1)
    spill = Landing._spill

    def slow(self):
        time.sleep(0.01)
        spill(self)

    monkeypatch.setattr(Landing, "_spill", slow)
    source = Shelf([record(number) for number in range(40)], kill_at={5})
    with pytest.raises((Killed, BaseExceptionGroup)):
        extract(source, tmp_path)
    source.kill_at, source.expire_at = set(), {source.calls + 4}
    assert extract(source, tmp_path).landed == 40
    assert landed(tmp_path) == [one["id"] for one in source.records]


def test_quarantined_records_survive_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr("extractors.landing.CHUNK_ROWS", 1)
    records = [record(number, active=None if number == 0 else True) for number in range(20)]
    source = Shelf(records, kill_at={4})
    with pytest.raises((Killed, BaseExceptionGroup)):
        extract(source, tmp_path)
    manifest = extract(source, tmp_path)
    assert (manifest.read, manifest.landed, manifest.quarantined) == (20, 19, 1)


def test_a_broken_format_leaves_nothing_to_go_on_from(tmp_path):
    source = Shelf([record(number, active=None) for number in range(30)])
    with pytest.raises(ContractBroken, match="none of 30 records keeps the contract"):
        extract(source, tmp_path)
    assert not list((tmp_path / ".staging").iterdir())


def test_a_key_scan_accompanies_the_read_when_the_last_complete_one_is_old(tmp_path):
    raw = RawZone(tmp_path)
    source = Shelf([record(number) for number in range(5)])
    days = [date(2026, 3, day) for day in range(1, 10)]
    scanned = []
    for day in days:
        source.at = datetime(day.year, day.month, day.day + 1, 2, tzinfo=UTC)
        reading = extract_system(source, raw, day, ["product"], key_scan_days=3)
        (manifest,) = asyncio.run(reading)
        scanned.append(manifest.keys_scanned)
    assert scanned == [None, None, None, 5, None, None, 5, None, None]


def test_a_killed_key_scan_goes_on_too(tmp_path, monkeypatch):
    monkeypatch.setattr("extractors.landing.CHUNK_ROWS", 1)
    source = Shelf([record(number) for number in range(30)])
    asyncio.run(extract_object(source, "product", RawZone(tmp_path), DAY))
    day = date(2026, 3, 8)
    source.at = datetime(2026, 3, 9, 2, tzinfo=UTC)
    source.kill_at = {source.calls + 15}
    for _ in range(2):
        with suppress(Killed, BaseExceptionGroup):
            manifest = asyncio.run(
                extract_object(source, "product", RawZone(tmp_path), day, key_scan_days=7)
            )
    assert manifest.keys_scanned == 30
    keys = pl.read_parquet(RawZone(tmp_path).folder("stripe", "product", day) / "keys.parquet")
    assert keys.columns == ["id"]
    assert keys["id"].n_unique() == 30
