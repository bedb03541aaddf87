"""The raw zone: what the sources said, immutable, one folder per system, object and day.

A folder appears by one rename, complete with its manifest, or not at all. Days that are
published are never read from a source again; they are replayed from here.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from extractors.contracts import Quarantined, check, tombstone_rows
from extractors.manifest import MANIFEST_FILE, QUARANTINE_FILE, ROWS_FILE, Manifest
from extractors.protocol import Mode, ObjectSpec, Page
from extractors.raw_tables import load_current

__all__ = ["Landing", "Manifest", "RawZone", "Totals", "load_current"]

CHUNK_ROWS = 5_000


@dataclass(frozen=True)
class Totals:
    """What an extraction knows besides its rows; goes into the manifest as it is."""

    mode: Mode
    cursor_from: datetime | None
    watermark_at: datetime
    extracted_at: datetime
    source_count_before: int | None
    source_count: int | None
    source_sum_minor_before: dict[str, int] | None
    source_sum_minor: dict[str, int] | None
    api_version: str


@dataclass(frozen=True)
class RawZone:
    """The folders under one root."""

    root: Path

    def folder(self, system: str, name: str, day: date) -> Path:
        return self.root / system / name / f"extracted_date={day.isoformat()}"

    def published(self, system: str, name: str, day: date) -> Manifest | None:
        """The manifest of that day, or None when the day is not published."""
        file = self.folder(system, name, day) / MANIFEST_FILE
        return Manifest.from_json(file.read_text("utf-8")) if file.exists() else None

    def days(self, system: str, name: str) -> list[date]:
        """Published days of an object, oldest first."""
        files = (self.root / system / name).glob(f"extracted_date=*/{MANIFEST_FILE}")
        return sorted(date.fromisoformat(file.parent.name.partition("=")[2]) for file in files)

    def begin(self, system: str, spec: ObjectSpec, day: date) -> "Landing":
        """Start landing a day; whatever a killed extraction of it left in staging is removed."""
        staging = self.root / ".staging"
        for leftover in staging.glob(f"{system}.{spec.name}.{day.isoformat()}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        folder = staging / f"{system}.{spec.name}.{day.isoformat()}.{uuid.uuid4().hex}"
        (folder / "chunks").mkdir(parents=True)
        return Landing(system, spec, day, folder, self.folder(system, spec.name, day))


@dataclass
class Landing:
    """Takes pages, spills checked rows to staging, and publishes them once per key.

    Only keys stay in memory. Where a record was read twice, the version read last counts.
    """

    system: str
    spec: ObjectSpec
    day: date
    staging: Path
    target: Path
    quarantined: list[Quarantined] = field(default_factory=list)
    _read: int = 0
    _ordinal: int = 0
    _records: list[Mapping[str, Any]] = field(default_factory=list)
    _changed_at: dict[str, str] = field(default_factory=dict)
    _keys: list[pl.DataFrame] = field(default_factory=list)

    def add(self, page: Page) -> None:
        self._records.extend(page.records)
        self._changed_at.update(page.changed_at)
        if len(self._records) >= CHUNK_ROWS or page.tombstones:
            self.flush()
        if page.tombstones:
            self._bury(page.tombstones)

    def publish(self, totals: Totals) -> Manifest:
        """Make the day visible; if it was published meanwhile, that one stands."""
        self.flush()
        manifest = self._write_rows(totals)
        if self.quarantined:
            lines = "".join(entry.line() + "\n" for entry in self.quarantined)
            _write_text(self.staging / QUARANTINE_FILE, lines)
        _write_text(self.staging / MANIFEST_FILE, manifest.to_json())
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

    def abandon(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.staging, ignore_errors=True)

    @property
    def rejects_everything(self) -> bool:
        """Whether records were read and not one of them keeps its contract."""
        return bool(self.quarantined) and len(self.quarantined) == self._read

    def flush(self) -> None:
        """Check and spill what was added so far."""
        if not self._records:
            return
        checked = check(
            self.spec,
            self._records,
            first_ordinal=self._ordinal,
            changed_at=self._changed_at,
        )
        self._ordinal += len(self._records)
        self._read += len(self._records)
        self._records, self._changed_at = [], {}
        self.quarantined.extend(checked.quarantined)
        self._spill(checked.rows)

    def _bury(self, tombstones: Sequence[Mapping[str, str]]) -> None:
        rows = tombstone_rows(self.spec, tombstones, first_ordinal=self._ordinal)
        self._ordinal += rows.height
        parent = self.spec.parent
        self._read += 0 if parent else rows.height
        self._spill(rows, pl.format("parent {}", parent.column) if parent else None)

    def _spill(self, rows: pl.DataFrame, key: pl.Expr | None = None) -> None:
        """Write rows; `key` names them where they have no key of their own."""
        rows = rows.select(list(self.spec.landing_schema))
        rows.write_parquet(self.staging / "chunks" / f"{len(self._keys):06}.parquet")
        own = pl.concat_str([pl.col(name).fill_null("") for name in self.spec.key], separator="|")
        named = own if key is None else key
        self._keys.append(rows.select(named.alias("key"), "_ordinal", "_deleted"))

    def _write_rows(self, totals: Totals) -> Manifest:
        kept, superseded = self._latest()
        file = self.staging / ROWS_FILE
        if self._keys:
            chunks = pl.scan_parquet(self.staging / "chunks" / "*.parquet")
            if superseded:
                chunks = chunks.filter(~pl.col("_ordinal").is_in(superseded))
            chunks.sink_parquet(file, compression="zstd")
        else:
            pl.DataFrame(schema=self.spec.landing_schema).write_parquet(file, compression="zstd")
        _sync(file)
        deleted = int(kept["_deleted"].sum())
        landed = kept.height - deleted
        deleted = 0 if self.spec.parent else deleted
        return Manifest(
            system=self.system,
            object=self.spec.name,
            snapshot_date=self.day,
            mode=totals.mode,
            cursor_from=totals.cursor_from,
            cursor_to=totals.watermark_at,
            watermark_at=totals.watermark_at,
            source_count_before=totals.source_count_before,
            source_count=totals.source_count,
            source_sum_minor_before=totals.source_sum_minor_before,
            source_sum_minor=totals.source_sum_minor,
            read=self._read,
            landed=landed,
            quarantined=len(self.quarantined),
            deleted=deleted,
            duplicates=self._read - landed - deleted - len(self.quarantined),
            schema_hash=schema_hash(self.spec),
            file_sha256=_sha256(file),
            extracted_at=totals.extracted_at,
            api_version=totals.api_version,
        )

    def _latest(self) -> tuple[pl.DataFrame, list[int]]:
        """Keys that land, and the ordinals of rows that a later version of the record replaced.

        A quarantined version takes part, so that each record ends in exactly one place; records
        without a key are never taken for each other.
        """
        landed = pl.concat(
            [
                pl.DataFrame(
                    schema={"key": pl.String(), "_ordinal": pl.Int64(), "_deleted": pl.Boolean()}
                ),
                *self._keys,
            ]
        )
        rejected = {entry.key: entry.ordinal for entry in self.quarantined if entry.key}
        bad = pl.DataFrame(
            {"key": list(rejected), "_ordinal": list(rejected.values()), "_deleted": None},
            schema=landed.schema,
        )
        last = pl.concat([landed, bad]).sort("_ordinal").unique("key", keep="last")
        kept = landed.join(last.select("_ordinal"), on="_ordinal", how="semi")
        superseded = landed.join(last.select("_ordinal"), on="_ordinal", how="anti")
        valid = dict(last.select("key", "_ordinal").iter_rows()) if rejected else {}
        self.quarantined = [
            entry
            for entry in self.quarantined
            if not entry.key or valid[entry.key] == entry.ordinal
        ]
        return kept, superseded["_ordinal"].to_list()


def schema_hash(spec: ObjectSpec) -> str:
    """A short name for the columns and types of an object."""
    text = ",".join(f"{name}:{dtype}" for name, dtype in spec.landing_schema.items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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
