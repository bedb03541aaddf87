"""The raw zone as tables of one day, in DuckDB: the newest version of each record as of D.

Pure SQL over the published files. Nothing is renamed, cast or judged here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from extractors.manifest import (
    KEYS_FILE,
    MANIFEST_FILE,
    QUARANTINE_FILE,
    REINGESTED_FOLDER,
    ROWS_FILE,
    Manifest,
)
from extractors.protocol import ObjectSpec
from extractors.registry import READ

_SQL_TYPES = {pl.String(): "VARCHAR", pl.Int64(): "BIGINT", pl.Boolean(): "BOOLEAN"}
_QUARANTINE_COLUMNS = {
    **dict.fromkeys(("key", "parent", "field", "reason", "payload"), "VARCHAR"),
    "ordinal": "BIGINT",
}
_MANIFEST_SCHEMA: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "system": pl.String,
    "object": pl.String,
    "snapshot_date": pl.Date,
    "mode": pl.String,
    "cursor_from": pl.Datetime("us"),
    "cursor_to": pl.Datetime("us"),
    "watermark_at": pl.Datetime("us"),
    "source_count_before": pl.Int64,
    "source_count": pl.Int64,
    "source_sum_minor_before": pl.String,
    "source_sum_minor": pl.String,
    "read": pl.Int64,
    "landed": pl.Int64,
    "quarantined": pl.Int64,
    "deleted": pl.Int64,
    "duplicates": pl.Int64,
    "schema_hash": pl.String,
    "file_sha256": pl.String,
    "extracted_at": pl.Datetime("us"),
    "api_version": pl.String,
    "keys_scanned": pl.Int64,
    "schema_drift": pl.List(pl.String),
}


@dataclass(frozen=True)
class _History:
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
    def key_scan(self) -> Manifest | None:
        """The newest day whose keys were scanned beside an incremental read."""
        scans = [one for one in self.current if one.keys_scanned is not None]
        return scans[-1] if scans else None

    def reingested(self, manifests: tuple[Manifest, ...]) -> list[str]:
        """Files of records that were quarantined on these days and keep the contract since."""
        folder = self.folder / REINGESTED_FOLDER
        days = {f"extracted_date={one.snapshot_date.isoformat()}" for one in manifests}
        return sorted(str(file) for day in days for file in (folder / day).glob("*.parquet"))

    def files(self, name: str, manifests: tuple[Manifest, ...]) -> list[str]:
        return [
            str(self.folder / f"extracted_date={one.snapshot_date.isoformat()}" / name)
            for one in manifests
        ]


def load_current(con: DuckDBPyConnection, raw_dir: Path, snapshot_date: date) -> None:
    """Rebuild schema `raw` as of `snapshot_date`, in one transaction.

    A record whose newest version is quarantined is not in the current table: it is counted as
    quarantined instead, so that landed + quarantined is what the source holds. A record that a
    later key scan did not see is gone without a trace: it is in `raw.vanished` instead.
    """
    con.execute("BEGIN")
    try:
        con.execute("CREATE SCHEMA IF NOT EXISTS raw")
        histories = list(_histories(raw_dir, snapshot_date))
        _load_quarantine(con, histories)
        _create_registers(con)
        for history in histories:
            _load_object(con, history, histories)
        _load_open_quarantine(con, histories)
        _load_manifests(con, histories)
        _load_snapshots(con, histories)
        con.execute(
            "CREATE OR REPLACE TABLE raw.build AS "
            "SELECT ?::DATE AS snapshot_date, ?::TIMESTAMP AS built_at",
            [snapshot_date, datetime.now(UTC).replace(tzinfo=None)],
        )
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def _histories(raw_dir: Path, snapshot_date: date) -> Iterator[_History]:
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
            yield _History(system, spec, folder, tuple(known))


def _load_object(con: DuckDBPyConnection, history: _History, histories: list[_History]) -> None:
    columns = ", ".join(f'"{name}"' for name in history.spec.columns)
    selected = f"{columns}, _extracted_date, _ordinal, _changed_at"
    if history.spec.keeps_versions:
        _load_versions(con, history, selected)
    if not history.current:
        rows = f"SELECT {_empty(history.spec)}"
        con.execute(f"CREATE OR REPLACE TABLE {history.table} AS {rows} LIMIT 0")
        return
    con.execute(
        f"CREATE OR REPLACE TABLE {history.table} AS "
        f"SELECT {selected} FROM ({_latest(con, history)}) "
        f"WHERE NOT _deleted {_of_living_parent(con, history, histories)}"
    )
    if history.key_scan is not None:
        _add_vanished(con, history, history.key_scan)
    if history.spec.merged_into is not None:
        _add_merged(con, history, history.spec.merged_into)


def _load_versions(con: DuckDBPyConnection, history: _History, selected: str) -> None:
    """Every version of a record that some night read, the same one once, with its first night.

    Of its readings the last one counts: it alone has the fields that were declared since.
    """
    versions = f"SELECT {_empty(history.spec)} LIMIT 0"
    if history.manifests:
        own = [*history.spec.key, *filter(None, [history.spec.cursor])]
        same = ", ".join(f'"{name}"' for name in own)
        versions = (
            f"SELECT {selected} FROM (SELECT * REPLACE (min(_extracted_date) OVER one AS "
            "_extracted_date), row_number() OVER (one ORDER BY _extracted_date DESC) AS back "
            f"FROM ({_rows(con, history, history.manifests)}) WHERE NOT _deleted "
            f"WINDOW one AS (PARTITION BY {same})) WHERE back = 1"
        )
    con.execute(f"CREATE OR REPLACE TABLE {history.table}_versions AS {versions}")


def _create_registers(con: DuckDBPyConnection) -> None:
    """What is known of records that are in no table any more."""
    con.execute(
        "CREATE OR REPLACE TABLE raw.vanished (system VARCHAR, object VARCHAR, key VARCHAR, "
        "last_extracted_date DATE, missing_on DATE)"
    )
    con.execute(
        "CREATE OR REPLACE TABLE raw.merged (system VARCHAR, object VARCHAR, key VARCHAR, "
        "merged_into VARCHAR, extracted_date DATE)"
    )


def _add_merged(con: DuckDBPyConnection, history: _History, column: str) -> None:
    """Every merged record with the one that survived all merges behind it.

    Merges are never undone: one that is older than the newest full read still holds.
    """
    key = history.spec.key[0]
    con.execute(
        f"""
        INSERT INTO raw.merged
        WITH RECURSIVE merges AS (
            SELECT "{key}" AS key, "{column}" AS merged_into, _extracted_date
            FROM ({_rows(con, history, history.manifests)})
            WHERE _deleted AND "{column}" IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY "{key}" ORDER BY _extracted_date DESC) = 1
        ),
        followed AS (
            SELECT key, merged_into, _extracted_date FROM merges
            UNION
            SELECT followed.key, merges.merged_into, followed._extracted_date
            FROM followed JOIN merges ON followed.merged_into = merges.key
        )
        SELECT '{history.system}', '{history.spec.name}', key, merged_into, _extracted_date
        FROM followed WHERE merged_into NOT IN (SELECT key FROM merges)
        """
    )


def _add_vanished(con: DuckDBPyConnection, history: _History, scan: Manifest) -> None:
    key = " || '|' || ".join(f'"{name}"' for name in history.spec.key)
    con.execute(
        f"INSERT INTO raw.vanished SELECT '{history.system}', '{history.spec.name}', {key}, "
        f"_extracted_date, DATE '{scan.snapshot_date.isoformat()}' "
        f"FROM ({_latest(con, history)}) WHERE _vanished"
    )


def _empty(spec: ObjectSpec) -> str:
    declared = [f'NULL::{_SQL_TYPES[dtype]} AS "{name}"' for name, dtype in spec.columns.items()]
    landing = (
        "NULL::DATE AS _extracted_date, NULL::BIGINT AS _ordinal, NULL::VARCHAR AS _changed_at"
    )
    return ", ".join([*declared, landing])


def _latest(con: DuckDBPyConnection, history: _History) -> str:
    """SQL for the rows of the newest extraction of each record (of each parent, for a child).

    The first day is by far the largest: its rows are kept but for those that came again, of which
    no more than the later days has to be sorted out.
    """
    first, *later = history.current
    gone = _not_seen(
        history, "landed._extracted_date", {name: f'landed."{name}"' for name in history.spec.key}
    )
    told = (
        f"SELECT landed.* REPLACE (landed._deleted OR {gone} AS _deleted), "
        f"NOT landed._deleted AND {gone} AS _vanished FROM landed"
    )
    base = _rows(con, history, (first,))
    if not later:
        return f"WITH landed AS ({base}) {told}"
    scope = _scope(history.spec)
    return f"""
        WITH again AS ({_rows(con, history, tuple(later))}),
        versions AS (
            SELECT scope, max(_extracted_date) AS _extracted_date
            FROM (
                SELECT "{scope}" AS scope, _extracted_date FROM again
                UNION ALL
                SELECT scope, snapshot_date FROM raw.quarantine
                WHERE system = '{history.system}' AND object = '{history.spec.name}'
                  AND snapshot_date > DATE '{first.snapshot_date.isoformat()}'
            )
            GROUP BY scope
        ),
        landed AS (
            FROM ({base}) AS once ANTI JOIN versions ON once."{scope}" = versions.scope
            UNION ALL
            FROM again SEMI JOIN versions
              ON again."{scope}" = versions.scope
             AND again._extracted_date = versions._extracted_date
        )
        {told}
    """


def _not_seen(history: _History, day: str, keys: Mapping[str, str]) -> str:
    """SQL condition: read before the newest key scan, which saw no such key."""
    scan = history.key_scan
    if scan is None:
        return "false"
    (file,) = history.files(KEYS_FILE, (scan,))
    same = " AND ".join(f'seen."{name}" = {column}' for name, column in keys.items())
    return (
        f"({day} < DATE '{scan.snapshot_date.isoformat()}' AND NOT EXISTS "
        f"(SELECT 1 FROM read_parquet('{_quoted(file)}') AS seen WHERE {same}))"
    )


def _rows(
    con: DuckDBPyConnection, history: _History, manifests: tuple[Manifest, ...] | None = None
) -> str:
    """SQL for all rows; columns declared after a file was written are null in it."""
    manifests = manifests or history.current
    names = history.files(ROWS_FILE, manifests) + history.reingested(manifests)
    files = ", ".join(f"'{_quoted(name)}'" for name in names)
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
        f"SELECT {', '.join(columns)}, _deleted, _ordinal, _changed_at, "
        f"extracted_date AS _extracted_date FROM {scan}"
    )


def _of_living_parent(
    con: DuckDBPyConnection,
    history: _History,
    histories: list[_History],
    column: str | None = None,
) -> str:
    """SQL condition that drops children of deleted parents; empty for other objects."""
    link = history.spec.parent
    if link is None:
        return ""
    parent = next(
        one for one in histories if (one.system, one.spec.name) == (history.system, link.object)
    )
    if not parent.current:
        return ""
    return (
        f"AND {column or link.column} NOT IN "
        f"(SELECT {parent.spec.key[0]} FROM ({_latest(con, parent)}) WHERE _deleted)"
    )


def _scope(spec: ObjectSpec) -> str:
    """The column by which versions replace each other: the parent's key, or the record's own."""
    return spec.parent.column if spec.parent else spec.key[0]


def _load_quarantine(con: DuckDBPyConnection, histories: list[_History]) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE raw.quarantine (system VARCHAR, object VARCHAR, "
        "snapshot_date DATE, key VARCHAR, field VARCHAR, reason VARCHAR, payload VARCHAR, "
        "ordinal BIGINT, scope VARCHAR)"
    )
    for history in histories:
        for manifest in history.manifests:
            if manifest.quarantined:
                _add_quarantined(con, history, manifest)


def _add_quarantined(con: DuckDBPyConnection, history: _History, manifest: Manifest) -> None:
    (file,) = history.files(QUARANTINE_FILE, (manifest,))
    scope = "parent" if history.spec.parent else "key"
    mended = ", ".join(f"'{_quoted(name)}'" for name in history.reingested((manifest,)))
    still = f"WHERE ordinal NOT IN (SELECT _ordinal FROM read_parquet([{mended}]))"
    con.execute(
        f"INSERT INTO raw.quarantine SELECT '{history.system}', '{history.spec.name}', "
        f"DATE '{manifest.snapshot_date.isoformat()}', key, field, reason, payload, ordinal, "
        f"coalesce({scope}, '') FROM read_json('{_quoted(file)}', "
        f"format = 'newline_delimited', columns = {_QUARANTINE_COLUMNS}) "
        f"{still if mended else ''}"
    )


def _load_open_quarantine(con: DuckDBPyConnection, histories: list[_History]) -> None:
    """Records held back whose newest version no later extraction brought or replaced."""
    con.execute("CREATE OR REPLACE TABLE raw.open_quarantine AS FROM raw.quarantine LIMIT 0")
    for history in histories:
        if any(one.quarantined for one in history.current):
            con.execute(
                f"INSERT INTO raw.open_quarantine {_open_quarantined(con, history, histories)}"
            )


def _load_manifests(con: DuckDBPyConnection, histories: list[_History]) -> None:
    rows = [_manifest_row(one) for history in histories for one in history.manifests]
    frame = pl.DataFrame(rows, schema=_MANIFEST_SCHEMA, orient="row")
    con.register("manifest_rows", frame)
    con.execute("CREATE OR REPLACE TABLE raw.manifests AS SELECT * FROM manifest_rows")
    con.unregister("manifest_rows")


def _manifest_row(manifest: Manifest) -> list[object]:
    values = (getattr(manifest, name) for name in _MANIFEST_SCHEMA)
    return [
        json.dumps(value)
        if isinstance(value, dict)
        else value.astimezone(UTC).replace(tzinfo=None)
        if isinstance(value, datetime)
        else value
        for value in values
    ]


def _load_snapshots(con: DuckDBPyConnection, histories: list[_History]) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE raw.snapshots (system VARCHAR, object VARCHAR, "
        "snapshot_date DATE, watermark_at TIMESTAMP, source_count_before BIGINT, "
        "source_count BIGINT, landed_count BIGINT, quarantined_count BIGINT, "
        "vanished_count BIGINT, "
        "source_sum_minor_before VARCHAR, source_sum_minor VARCHAR, extracted_at TIMESTAMP)"
    )
    for history in histories:
        if history.manifests:
            _add_snapshot(con, history)


def _add_snapshot(con: DuckDBPyConnection, history: _History) -> None:
    con.execute(
        f"""
        INSERT INTO raw.snapshots
        SELECT system, object, snapshot_date, watermark_at, source_count_before, source_count,
            (SELECT count(*) FROM {history.table}),
            (SELECT count(*) FROM raw.open_quarantine AS bad
             WHERE bad.system = '{history.system}' AND bad.object = '{history.spec.name}'),
            (SELECT count(*) FROM raw.vanished AS gone
             WHERE gone.system = '{history.system}' AND gone.object = '{history.spec.name}'),
            source_sum_minor_before, source_sum_minor, extracted_at
        FROM raw.manifests
        WHERE system = '{history.system}' AND object = '{history.spec.name}'
          AND snapshot_date = DATE '{history.manifests[-1].snapshot_date.isoformat()}'
        """
    )


def _open_quarantined(con: DuckDBPyConnection, history: _History, histories: list[_History]) -> str:
    first = history.current[0].snapshot_date.isoformat()
    seen = _not_seen(history, "bad.snapshot_date", {history.spec.key[0]: "bad.key"})
    return f"""
        SELECT bad.* FROM raw.quarantine AS bad
        WHERE bad.system = '{history.system}' AND bad.object = '{history.spec.name}'
          AND bad.snapshot_date >= DATE '{first}'
          AND NOT EXISTS (
              SELECT 1 FROM ({_rows(con, history)}) AS newer
              WHERE newer."{_scope(history.spec)}" = bad.scope
                AND newer._extracted_date > bad.snapshot_date
          ) {_of_living_parent(con, history, histories, "bad.scope")}
          AND NOT {seen}
        QUALIFY row_number() OVER (
            PARTITION BY CASE WHEN bad.key = '' THEN bad.payload ELSE bad.key END
            ORDER BY bad.snapshot_date DESC
        ) = 1
    """


def _quoted(text: str) -> str:
    return text.replace("'", "''")
