"""Takes the pages of one object and day, spills checked rows, and publishes them as one folder.

Only pages since the last chunk are in memory. A landing that was interrupted goes on from its
journal: what is not in a chunk is read again, so nothing is lost and nothing lands twice.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from extractors.contracts import Quarantined, check, tombstone_rows
from extractors.journal import JOURNAL_FILE, Agreement, Begun, Journal
from extractors.manifest import (
    KEYS_FILE,
    MANIFEST_FILE,
    QUARANTINE_FILE,
    ROWS_FILE,
    Manifest,
    sha256_of,
)
from extractors.protocol import Bookmark, ObjectSpec, Page, SourceTotals

CHUNK_ROWS = 5_000


@dataclass(frozen=True)
class Batch:
    """Pages that land together, and what was left to be read when the last of them had come."""

    pages: Sequence[Page]
    left: Sequence[Bookmark]


def key_spec(spec: ObjectSpec) -> ObjectSpec:
    """The object with nothing but its key: what a key scan lands."""
    return replace(
        spec,
        fields=tuple(item for item in spec.fields if item.column in spec.key),
        cursor=None,
        control_sum=None,
    )


def schema_hash(spec: ObjectSpec) -> str:
    """A short name for the columns and types of an object."""
    text = ",".join(f"{name}:{dtype}" for name, dtype in spec.landing_schema.items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Landing:
    """One object and day on its way to the raw zone. `left` are the bookmarks still to be read.

    Batches may be spilled by another thread than the one that adds pages, one after the other in
    the order in which they were taken.
    """

    system: str
    spec: ObjectSpec
    day: date
    staging: Path
    target: Path
    begun: Begun | None = None
    served_at: datetime | None = None
    left: dict[int, Bookmark] = field(default_factory=dict)
    read: int = 0
    _chunks: int = 0
    _ordinal: int = 0
    _bookmarks: int = 0
    _pages: list[Page] = field(default_factory=list)
    _is_broken: bool = False
    _records: list[Mapping[str, Any]] = field(default_factory=list)
    _changed_at: dict[str, str] = field(default_factory=dict)
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _quarantined: list[Quarantined] = field(default_factory=list)
    _rejected: int = 0

    def resume(self, agreement: Agreement) -> bool:
        """Take up what an interrupted landing left; without that, or another read: start clean."""
        journal = Journal.read_from(self.staging)
        if journal is None or journal.begun.agreement != agreement or not self._has(journal):
            self.restart()
            return False
        self.begun, self.served_at = journal.begun, journal.served_at
        self._chunks, self._ordinal, self.read = journal.chunks, journal.ordinal, journal.read
        self._rejected = len(self._all_quarantined())
        self._open(journal.left)
        return True

    def restart(self) -> None:
        """Forget what was read so far."""
        shutil.rmtree(self.staging, ignore_errors=True)
        (self.staging / "chunks").mkdir(parents=True)
        self.begun = self.served_at = None
        self.left, self._changed_at, self._is_broken = {}, {}, False
        self._pages, self._records, self._frames, self._quarantined = [], [], [], []
        self.read = self._chunks = self._ordinal = self._rejected = 0

    def begin(self, begun: Begun, page: Page) -> None:
        """The first page, and what was learnt with it."""
        self.begun = begun
        self.add(page)
        self.checkpoint()

    def add(self, page: Page, answered: int | None = None) -> dict[int, Bookmark]:
        """Take a page, the answer to a bookmark; returns the bookmarks that it leaves behind it."""
        self._pages.append(page)
        if answered is not None:
            del self.left[answered]
        return self._open(page.rest)

    @property
    def is_full(self) -> bool:
        """Whether what was added is enough for a chunk."""
        return sum(len(page.records) for page in self._pages) >= CHUNK_ROWS

    def batch(self) -> Batch:
        """What was added since the last batch."""
        taken = Batch(self._pages, tuple(self.left.values()))
        self._pages = []
        return taken

    def checkpoint(self) -> None:
        """Check and spill what was added so far, and note what is left to be read."""
        self.spill(self.batch())

    def spill(self, batch: Batch) -> None:
        """Check a batch and write it as a chunk, then note what was left to be read behind it.

        Where that failed nothing is noted any more: what was noted before is still true.
        """
        if self._is_broken:
            return
        self._is_broken = True
        for page in batch.pages:
            self._take(page)
            self.served_at = page.served_at
        self._settle()
        if self._frames or self._quarantined:
            self._spill()
        if self.begun is not None and self.served_at is not None:
            Journal(
                self.begun, self.served_at, self._chunks, self._ordinal, self.read, batch.left
            ).write(self.staging)
        self._is_broken = False

    def publish(self, totals: SourceTotals, keys: "Landing | None" = None) -> Manifest:
        """Make the day visible; if it was published meanwhile, that one stands.

        `totals` are the source's own after the last page, `keys` a key scan of the same object.
        """
        self.checkpoint()
        assert not self._is_broken, "a batch that failed must have ended the extraction"
        manifest = self._write_rows(totals)
        if keys is not None:
            manifest = replace(manifest, keys_scanned=keys.write_keys(self.staging / KEYS_FILE))
        _write_text(self.staging / MANIFEST_FILE, manifest.to_json())
        (self.staging / JOURNAL_FILE).unlink(missing_ok=True)
        shutil.rmtree(self.staging / "chunks")
        self.target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.staging.rename(self.target)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            self.abandon()
            return Manifest.from_json((self.target / MANIFEST_FILE).read_text("utf-8"))
        _sync(self.target.parent)
        return manifest

    def write_keys(self, file: Path) -> int:
        """Every key that was read, each once; returns how many."""
        self.checkpoint()
        columns = list(self.spec.key)
        if self._chunks:
            keys = self._scan().filter(~pl.col("_deleted")).select(columns).unique()
        else:
            keys = pl.LazyFrame(schema={name: self.spec.columns[name] for name in columns})
        keys.sink_parquet(file, compression="zstd")
        _sync(file)
        self.abandon()
        return int(pl.scan_parquet(file).select(pl.len()).collect().item())

    def abandon(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.staging, ignore_errors=True)

    @property
    def rejected(self) -> int:
        """How many of the records read break their contract."""
        return self._rejected

    def example(self) -> Quarantined | None:
        """A record that breaks its contract."""
        return next(iter(self._all_quarantined()), None)

    def _open(self, bookmarks: Any) -> dict[int, Bookmark]:
        opened = dict(enumerate(bookmarks, self._bookmarks))
        self._bookmarks += len(opened)
        self.left.update(opened)
        return opened

    def _take(self, page: Page) -> None:
        if isinstance(page.records, pl.DataFrame):
            self._settle()
            self._check(page.records, page.changed_at)
        elif page.records:
            self._records.extend(page.records)
            self._changed_at.update(page.changed_at)
        if page.tombstones:
            self._settle()
            stones = tombstone_rows(self.spec, page.tombstones, first_ordinal=self._ordinal)
            self._ordinal += stones.height
            # The marker of a parent is no record of its own.
            self.read += 0 if self.spec.parent else stones.height
            self._frames.append(stones.select(list(self.spec.landing_schema)))

    def _settle(self) -> None:
        if self._records:
            self._check(self._records, self._changed_at)
            self._records, self._changed_at = [], {}

    def _check(self, records: Any, changed_at: Mapping[str, str]) -> None:
        checked = check(self.spec, records, first_ordinal=self._ordinal, changed_at=changed_at)
        self._ordinal += len(records)
        self.read += len(records)
        self._rejected += len(checked.quarantined)
        self._quarantined.extend(checked.quarantined)
        self._frames.append(checked.rows.select(list(self.spec.landing_schema)))

    def _spill(self) -> None:
        frame = pl.concat(self._frames or [pl.DataFrame(schema=self.spec.landing_schema)])
        frame.write_parquet(self._chunk(self._chunks, "parquet"), compression="lz4")
        lines = "".join(entry.line() + "\n" for entry in self._quarantined)
        self._chunk(self._chunks, "jsonl").write_text(lines, "utf-8")
        self._chunks += 1
        self._frames, self._quarantined = [], []

    def _chunk(self, number: int, suffix: str) -> Path:
        return self.staging / "chunks" / f"{number:06}.{suffix}"

    def _has(self, journal: Journal) -> bool:
        return all(
            self._chunk(number, suffix).exists()
            for number in range(journal.chunks)
            for suffix in ("parquet", "jsonl")
        )

    def _scan(self) -> pl.LazyFrame:
        # A chunk that was spilled after the journal was last written is no part of the landing.
        return pl.scan_parquet([self._chunk(number, "parquet") for number in range(self._chunks)])

    def _all_quarantined(self) -> list[Quarantined]:
        spilled = [
            Quarantined.from_line(text)
            for number in range(self._chunks)
            for text in self._chunk(number, "jsonl").read_text("utf-8").split("\n")
            if text
        ]
        return [*spilled, *self._quarantined]

    def _write_rows(self, totals: SourceTotals) -> Manifest:
        assert self.begun is not None
        assert self.served_at is not None
        kept, superseded, quarantined = self._latest()
        file = self.staging / ROWS_FILE
        if self._chunks:
            rows = self._scan()
            if superseded:
                rows = rows.filter(~pl.col("_ordinal").is_in(superseded))
            rows.sink_parquet(file, compression="zstd")
        else:
            pl.DataFrame(schema=self.spec.landing_schema).write_parquet(file, compression="zstd")
        _sync(file)
        if quarantined:
            lines = "".join(entry.line() + "\n" for entry in quarantined)
            _write_text(self.staging / QUARANTINE_FILE, lines)
        deleted = int(kept["_deleted"].sum())
        landed = kept.height - deleted
        deleted = 0 if self.spec.parent else deleted
        before = self.begun.totals
        return Manifest(
            system=self.system,
            object=self.spec.name,
            snapshot_date=self.day,
            mode=self.begun.mode,
            cursor_from=(
                self.begun.agreement.cursor_from if self.begun.mode == "incremental" else None
            ),
            cursor_to=self.begun.watermark_at,
            watermark_at=self.begun.watermark_at,
            source_count_before=before.count,
            source_count=totals.count,
            source_sum_minor_before=_as_dict(before.sum_minor),
            source_sum_minor=_as_dict(totals.sum_minor),
            read=self.read,
            landed=landed,
            quarantined=len(quarantined),
            deleted=deleted,
            duplicates=self.read - landed - deleted - len(quarantined),
            schema_hash=schema_hash(self.spec),
            file_sha256=sha256_of(file),
            extracted_at=self.served_at,
            api_version=self.begun.agreement.api_version,
            keys_scanned=None,
            vendor_schema=self.begun.vendor_schema,
            schema_drift=list(self.begun.schema_drift),
        )

    def _latest(self) -> tuple[pl.DataFrame, list[int], list[Quarantined]]:
        """Keys that land, ordinals of rows that a later version replaced, and what is quarantined.

        A quarantined version takes part, so that each record ends in exactly one place; records
        without a key are never taken for each other.
        """
        landed = self._keys()
        quarantined = self._all_quarantined()
        rejected = {entry.key: entry.ordinal for entry in quarantined if entry.key}
        bad = pl.DataFrame(
            {"key": list(rejected), "_ordinal": list(rejected.values()), "_deleted": None},
            schema=landed.schema,
        )
        last = pl.concat([landed, bad]).sort("_ordinal").unique("key", keep="last")
        kept = landed.join(last.select("_ordinal"), on="_ordinal", how="semi")
        superseded = landed.join(last.select("_ordinal"), on="_ordinal", how="anti")
        valid = dict(last.select("key", "_ordinal").iter_rows()) if rejected else {}
        standing = [
            entry for entry in quarantined if not entry.key or valid[entry.key] == entry.ordinal
        ]
        return kept, superseded["_ordinal"].to_list(), standing

    def _keys(self) -> pl.DataFrame:
        schema = {"key": pl.String(), "_ordinal": pl.Int64(), "_deleted": pl.Boolean()}
        if not self._chunks:
            return pl.DataFrame(schema=schema)
        key = pl.concat_str([pl.col(name).fill_null("") for name in self.spec.key], separator="|")
        if self.spec.parent is not None:
            marker = pl.format("parent {}", self.spec.parent.column)
            key = pl.when("_deleted").then(marker).otherwise(key)
        return self._scan().select(key.alias("key"), "_ordinal", "_deleted").collect()


def _as_dict(sums: Mapping[str, int] | None) -> dict[str, int] | None:
    return None if sums is None else dict(sums)


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    _sync(file)


def _sync(path: Path) -> None:
    """Reach the disk before the rename makes it visible; folders cannot be synced everywhere."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
