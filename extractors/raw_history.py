"""The published days of each object in the raw zone, and SQL over their files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from extractors.manifest import KEYS_FILE, MANIFEST_FILE, REINGESTED_FOLDER, ROWS_FILE, Manifest
from extractors.protocol import ObjectSpec
from extractors.registry import READ

_SQL_TYPES = {pl.String(): "VARCHAR", pl.Int64(): "BIGINT", pl.Boolean(): "BOOLEAN"}


@dataclass(frozen=True)
class History:
    """The published days of one object up to D; `current` starts at its newest full read."""

    system: str
    spec: ObjectSpec
    folder: Path
    manifests: tuple[Manifest, ...]

    @property
    def table(self) -> str:
        return f"raw.{self.system}__{self.spec.name}"

    @property
    def current(self) -> tuple[Manifest, ...]:
        full = [at for at, one in enumerate(self.manifests) if one.mode == "full"]
        return self.manifests[full[-1] :] if full else self.manifests

    @property
    def scope(self) -> str:
        """The column by which versions replace each other: the parent's key, or the own one."""
        return self.spec.parent.column if self.spec.parent else self.spec.key[0]

    @property
    def readings(self) -> list[str]:
        """What tells each of the current days from the same day read, or mended, otherwise."""
        return [
            f"{one.snapshot_date} {one.file_sha256} {one.quarantined} {one.keys_scanned} "
            + " ".join(f"{Path(file).name}:{Path(file).stat().st_size}" for file in mended)
            for one in self.current
            for mended in [self.reingested((one,))]
        ]

    @property
    def is_read_whole(self) -> bool:
        """Whether the newest read was a full one, behind others: it may have told the same."""
        return len(self.manifests) > 1 and self.manifests[-1].mode == "full"

    @property
    def key_scan(self) -> Manifest | None:
        """The newest day whose keys were scanned beside an incremental read."""
        scans = [one for one in self.current if one.keys_scanned is not None]
        return scans[-1] if scans else None

    def reingested(self, manifests: Sequence[Manifest]) -> list[str]:
        """Files of records that were quarantined on these days and keep the contract since."""
        folder = self.folder / REINGESTED_FOLDER
        days = {f"extracted_date={one.snapshot_date.isoformat()}" for one in manifests}
        return sorted(str(file) for day in days for file in (folder / day).glob("*.parquet"))

    def files(self, name: str, manifests: Sequence[Manifest]) -> list[str]:
        return [
            str(self.folder / f"extracted_date={one.snapshot_date.isoformat()}" / name)
            for one in manifests
        ]


def histories_of(raw_dir: Path, snapshot_date: date) -> Iterator[History]:
    """Of every object of every system, also of those that were never read."""
    for system, objects in READ.items():
        for spec in objects.values():
            folder = raw_dir / system / spec.name
            found = (
                Manifest.from_json(file.read_text("utf-8"))
                for file in folder.glob(f"extracted_date=*/{MANIFEST_FILE}")
            )
            known = sorted(
                (one for one in found if one.snapshot_date <= snapshot_date),
                key=lambda one: one.snapshot_date,
            )
            yield History(system, spec, folder, tuple(known))


def no_row(spec: ObjectSpec) -> str:
    """SQL for the columns of a current table, all null."""
    declared = [f'NULL::{_SQL_TYPES[dtype]} AS "{name}"' for name, dtype in spec.columns.items()]
    return ", ".join([*declared, "NULL::DATE AS _extracted_date, NULL::VARCHAR AS _changed_at"])


def latest(con: DuckDBPyConnection, history: History) -> str:
    """SQL for the rows of the newest extraction of each record (of each parent, for a child).

    The first day is by far the largest: its rows are kept but for those that came again, of which
    no more than the later days has to be sorted out.
    """
    first, *later = history.current
    gone = not_seen(
        history, "landed._extracted_date", {name: f'landed."{name}"' for name in history.spec.key}
    )
    told = (
        f"SELECT landed.* REPLACE (landed._deleted OR {gone} AS _deleted), "
        f"NOT landed._deleted AND {gone} AS _vanished FROM landed"
    )
    base = rows_of(con, history, (first,))
    if not later:
        return f"WITH landed AS ({base}) {told}"
    scope = history.scope
    return f"""
        WITH again AS ({rows_of(con, history, later)}),
        versions AS ({came_again(history, later, "again")}),
        landed AS (
            FROM ({base}) AS once ANTI JOIN versions ON once."{scope}" = versions.scope
            UNION ALL
            FROM again SEMI JOIN versions
              ON again."{scope}" = versions.scope
             AND again._extracted_date = versions._extracted_date
        )
        {told}
    """


def came_again(history: History, days: Sequence[Manifest], rows: str) -> str:
    """SQL for the newest of these days on which a record (a parent's, for a child) was read."""
    return f"""
        SELECT scope, max(_extracted_date) AS _extracted_date
        FROM (
            SELECT "{history.scope}" AS scope, _extracted_date FROM {rows}
            UNION ALL
            SELECT scope, snapshot_date FROM raw.quarantine
            WHERE system = '{history.system}' AND object = '{history.spec.name}'
              AND snapshot_date >= DATE '{days[0].snapshot_date.isoformat()}'
        )
        GROUP BY scope
    """


def not_seen(history: History, day: str, keys: Mapping[str, str]) -> str:
    """SQL condition: read before the newest key scan, which saw no such key."""
    scan = history.key_scan
    if scan is None:
        return "false"
    (file,) = history.files(KEYS_FILE, (scan,))
    same = " AND ".join(f'seen."{name}" = {column}' for name, column in keys.items())
    return (
        f"({day} < DATE '{scan.snapshot_date.isoformat()}' AND NOT EXISTS "
        f"(SELECT 1 FROM read_parquet('{quoted(file)}') AS seen WHERE {same}))"
    )


def rows_of(
    con: DuckDBPyConnection, history: History, manifests: Sequence[Manifest] | None = None
) -> str:
    """SQL for all rows; columns declared after a file was written are null in it."""
    manifests = manifests or history.current
    names = history.files(ROWS_FILE, manifests) + history.reingested(manifests)
    files = ", ".join(f"'{quoted(name)}'" for name in names)
    scan = (
        f"read_parquet([{files}], union_by_name = true, hive_partitioning = true, "
        "hive_types = {'extracted_date': DATE})"
    )
    present = {row[0] for row in con.sql(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
    columns = [
        f'"{name}"' if name in present else f'NULL::{_SQL_TYPES[dtype]} AS "{name}"'
        for name, dtype in history.spec.columns.items()
    ]
    return (
        f"SELECT {', '.join(columns)}, _deleted, _changed_at, "
        f"extracted_date AS _extracted_date FROM {scan}"
    )


def quoted(text: str) -> str:
    return text.replace("'", "''")
