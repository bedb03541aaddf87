"""The raw zone of a company, written out as that of one many times its size."""

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extractors.manifest import MANIFEST_FILE, ROWS_FILE, Manifest, sha256_of
from extractors.protocol import ObjectSpec
from extractors.raw_zone import STAGING, RawZone
from extractors.registry import READ
from orchestration.worlds.roles import Role, is_shared, roles_of
from orchestration.worlds.stencil import Stencil, cut

_ROW_GROUP_ROWS = 120_000
_ROW_GROUP_BYTES = 64_000_000
_WRITERS = 2


@dataclass(frozen=True)
class _Original:
    """An object of the first company: its rows by key, and stencils of the columns that differ."""

    rows: pa.Table
    stencils: Mapping[str, Stencil]
    ordinals: int

    @classmethod
    def of(cls, system: str, spec: ObjectSpec, file: Path) -> "_Original":
        frame = pl.read_parquet(file).sort(spec.key)
        stencils = {
            name: cut(frame[name], role)
            for name, role in roles_of(system, spec).items()
            if role is not Role.SAME
        }
        last = frame.select(pl.col("_ordinal").max().fill_null(-1)).item()
        return cls(frame.to_arrow(), stencils, last + 1)

    def copy(self, number: int) -> pa.Table:
        """The rows of a copy; 0 is the company itself."""
        if number == 0:
            return self.rows
        columns = {name: self.rows[name] for name in self.rows.column_names}
        columns |= {name: stencil.printed(number) for name, stencil in self.stencils.items()}
        columns["_ordinal"] = pc.add(columns["_ordinal"], number * self.ordinals)
        return pa.table(columns)

    def groups(self, copies: int) -> Iterator[pa.Table]:
        """All rows, as many copies at a time as make a row group."""
        share = max(self.rows.num_rows / _ROW_GROUP_ROWS, self.rows.nbytes / _ROW_GROUP_BYTES)
        step = max(int(1 / share), 1) if share else copies
        for first in range(0, copies, step):
            numbers = range(first, min(first + step, copies))
            yield pa.concat_tables([self.copy(number) for number in numbers])


def copy_company(source: Path, target: Path, day: date, copies: int) -> list[Manifest]:
    """Write for one day the raw zone of a company `copies` times as large as that of `source`.

    What a company has once is as it was. An object appears as a whole or not at all.
    """
    objects = [(system, spec) for system, specs in READ.items() for spec in specs.values()]

    def publish(system: str, spec: ObjectSpec) -> Manifest:
        manifest = RawZone(source).published(system, spec.name, day)
        assert manifest is not None, f"{system}.{spec.name} was not read for {day}"
        folder = RawZone(source).folder(system, spec.name, day)
        place = target / STAGING / f"{system}.{spec.name}.copies.{day.isoformat()}"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        if not is_shared(system, spec.name):
            manifest = _write(
                _Original.of(system, spec, folder / ROWS_FILE), manifest, copies, place
            )
        published = RawZone(target).folder(system, spec.name, day)
        published.parent.mkdir(parents=True, exist_ok=True)
        place.rename(published)
        return manifest

    with ThreadPoolExecutor(_WRITERS) as writers:
        return list(writers.map(publish, *zip(*objects, strict=True)))


def _write(original: _Original, manifest: Manifest, copies: int, folder: Path) -> Manifest:
    """The rows of all copies, and what the source would have told of them."""
    if manifest.quarantined:
        raise ValueError(f"{manifest.system}.{manifest.object} holds records in quarantine")
    file = folder / ROWS_FILE
    with pq.ParquetWriter(file, original.rows.schema, compression="zstd") as writer:
        for group in original.groups(copies):
            writer.write_table(group, row_group_size=group.num_rows or None)
    written = dataclasses.replace(
        manifest,
        source_count_before=_times(manifest.source_count_before, copies),
        source_count=_times(manifest.source_count, copies),
        source_sum_minor_before=_each_times(manifest.source_sum_minor_before, copies),
        source_sum_minor=_each_times(manifest.source_sum_minor, copies),
        read=manifest.read * copies,
        landed=manifest.landed * copies,
        deleted=manifest.deleted * copies,
        duplicates=manifest.duplicates * copies,
        file_sha256=sha256_of(file),
    )
    (folder / MANIFEST_FILE).write_text(written.to_json(), "utf-8")
    return written


def _times(count: int | None, copies: int) -> int | None:
    return None if count is None else count * copies


def _each_times(sums: Mapping[str, int] | None, copies: int) -> dict[str, int] | None:
    return None if sums is None else {name: minor * copies for name, minor in sums.items()}
