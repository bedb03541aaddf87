"""The raw zone as tables of one day, in DuckDB: the newest version of each record as of D.

Pure SQL over the published files. Nothing is renamed, cast or judged here.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import polars as pl
from duckdb import DuckDBPyConnection

from extractors.manifest import QUARANTINE_FILE, Manifest
from extractors.protocol import ParentLink
from extractors.raw_history import (
    History,
    came_again,
    histories_of,
    latest,
    no_row,
    not_seen,
    quoted,
    rows_of,
)

Loading = Literal["unchanged", "merged", "anew"]
"""How a table came to the day: as it was, by what was read since, or from all its files."""

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


def load_current(
    con: DuckDBPyConnection, raw_dir: Path, snapshot_date: date, made_by: str = ""
) -> dict[str, Loading]:
    """Bring schema `raw` to `snapshot_date`, in one transaction, and tell how each table got there.

    A table that stands as of an earlier day, of the same files, takes in what was read since; any
    other is made anew, and so is one that was not made by the same: `made_by` names what makes it.

    A record whose newest version is quarantined is not in the current table: it is counted as
    quarantined instead, so that landed + quarantined is what the source holds. A record that a
    later key scan did not see is gone without a trace: it is in `raw.vanished` instead.
    """
    built_at = datetime.now(UTC).replace(tzinfo=None)
    con.execute("BEGIN")
    try:
        con.execute("CREATE SCHEMA IF NOT EXISTS raw")
        histories = list(histories_of(raw_dir, snapshot_date))
        _load_quarantine(con, histories)
        _create_registers(con)
        reborn = _load_dead(con, histories)
        known = _made_of(con)
        loaded = {
            history.table: _load_object(con, history, reborn, made_by, known.get(history.table))
            for history in histories
        }
        con.execute(
            "UPDATE raw.made_of SET changed_at = ? WHERE list_contains(?::VARCHAR[], name)",
            [built_at, [table for table, how in loaded.items() if how != "unchanged"]],
        )
        _load_open_quarantine(con, histories)
        _load_manifests(con, histories)
        _load_snapshots(con, histories)
        con.execute(
            "CREATE OR REPLACE TABLE raw.build AS "
            "SELECT ?::DATE AS snapshot_date, ?::TIMESTAMP AS built_at",
            [snapshot_date, built_at],
        )
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")
    return loaded


@dataclass(frozen=True)
class _Made:
    """What a table that is there was made of; `content` where that was read whole once more."""

    readings: list[str]
    content: str | None


def _made_of(con: DuckDBPyConnection) -> dict[str, _Made]:
    """Of each table, by its name; beside it stands when that last changed."""
    con.execute(
        "CREATE TABLE IF NOT EXISTS raw.made_of (name VARCHAR PRIMARY KEY, readings VARCHAR[], "
        "content VARCHAR, changed_at TIMESTAMP)"
    )
    known = con.sql(
        "SELECT name, readings, content FROM raw.made_of "
        "SEMI JOIN duckdb_tables() AS there ON name = schema_name || '.' || table_name"
    )
    return {name: _Made(readings, content) for name, readings, content in known.fetchall()}


def _load_object(
    con: DuckDBPyConnection,
    history: History,
    reborn: Collection[tuple[str, str]],
    made_by: str,
    known: _Made | None,
) -> Loading:
    columns = ", ".join(f'"{name}"' for name in history.spec.columns)
    selected = f"{columns}, _extracted_date, _changed_at"
    if history.spec.keeps_versions:
        _load_versions(con, history, selected)
    wanted = _Made(
        [f"{made_by} {selected}", *history.readings],
        _content(con, history, f"{columns}, _changed_at") if history.is_read_whole else None,
    )
    since = history.current[len(known.readings) - 1 :] if known else ()
    link = history.spec.parent
    if (
        known is not None
        and known.content is not None
        and (known.readings[0], known.content) == (wanted.readings[0], wanted.content)
        # of an earlier day its rows would be of a later one
        and known.readings <= wanted.readings
    ):
        loading: Loading = "unchanged"
    elif (
        known is None
        or known.readings != wanted.readings[: len(known.readings)]
        or any(one.keys_scanned is not None for one in since)
        or (link is not None and (history.system, link.object) in reborn)
    ):
        loading = "anew"
        _make(con, history, selected)
    else:
        loading = "merged" if _merge(con, history, selected, since) else "unchanged"
    con.execute(
        "INSERT INTO raw.made_of (name, readings, content) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET readings = excluded.readings, content = excluded.content",
        [history.table, wanted.readings, wanted.content],
    )
    if history.key_scan is not None:
        _add_vanished(con, history, history.key_scan)
    if history.spec.merged_into is not None and history.current:
        _add_merged(con, history, history.spec.merged_into)
    return loading


def _living(con: DuckDBPyConnection, history: History) -> str:
    """SQL for the current rows, without those whose parent is gone."""
    rows = f"FROM ({latest(con, history)}) WHERE NOT _deleted"
    if parent := history.spec.parent:
        rows += f' AND "{parent.column}" NOT IN ({_dead(history.system, parent)})'
    return rows


def _content(con: DuckDBPyConnection, history: History, columns: str) -> str:
    """Another text once a reading told something else, whenever and in whatever order it did."""
    query = f"SELECT count(*) || ' ' || coalesce(sum(hash({columns})), 0) {_living(con, history)}"
    ((content,),) = con.execute(query).fetchall()
    return str(content)


def _make(con: DuckDBPyConnection, history: History, selected: str) -> None:
    rows = f"SELECT {no_row(history.spec)} LIMIT 0"
    if history.current:
        rows = f"SELECT {selected} {_living(con, history)}"
    con.execute(f"CREATE OR REPLACE TABLE {history.table} AS {rows}")


def _merge(
    con: DuckDBPyConnection, history: History, selected: str, days: Sequence[Manifest]
) -> bool:
    """Put what was read on these days in the place of what it replaces; whether that was anything.

    Nothing is merged where records came back with their parent: they stand in older files.
    """
    changes = []
    if days:
        landed = f"({rows_of(con, history, days)})"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE came_again AS {came_again(history, days, landed)}"
        )
        changes = [
            f"""
            DELETE FROM {history.table} AS former USING came_again
            WHERE former."{history.scope}" = came_again.scope
            """,
            f"""
            INSERT INTO {history.table} SELECT {selected} FROM {landed} AS landed
            SEMI JOIN came_again
              ON landed."{history.scope}" = came_again.scope
             AND landed._extracted_date = came_again._extracted_date
            WHERE NOT _deleted
            """,
        ]
    if parent := history.spec.parent:
        gone = f'"{parent.column}" IN ({_dead(history.system, parent)})'
        changes.append(f"DELETE FROM {history.table} WHERE {gone}")
    counts = [con.execute(change).fetchall() for change in changes]
    return any(count for ((count,),) in counts)


def _load_dead(con: DuckDBPyConnection, histories: Sequence[History]) -> set[tuple[str, str]]:
    """Keep the parents that are gone; tell of which objects some came back since the last load."""
    con.execute("CREATE TABLE IF NOT EXISTS raw.dead (system VARCHAR, object VARCHAR, key VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE dead_before AS FROM raw.dead")
    con.execute("DELETE FROM raw.dead")
    parents = {
        (history.system, history.spec.parent.object) for history in histories if history.spec.parent
    }
    for history in histories:
        if (history.system, history.spec.name) in parents and history.current:
            con.execute(
                f"INSERT INTO raw.dead SELECT '{history.system}', '{history.spec.name}', "
                f'"{history.spec.key[0]}" FROM ({latest(con, history)}) WHERE _deleted'
            )
    reborn = con.sql("SELECT system, object, key FROM dead_before EXCEPT FROM raw.dead")
    return {(system, name) for system, name, _ in reborn.fetchall()}


def _dead(system: str, parent: ParentLink) -> str:
    """SQL for the keys of the parents that are gone."""
    return f"SELECT key FROM raw.dead WHERE system = '{system}' AND object = '{parent.object}'"


def _load_versions(con: DuckDBPyConnection, history: History, selected: str) -> None:
    """Every version of a record that some night read, the same one once, with its first night.

    Of its readings the last one counts: it alone has the fields that were declared since.
    """
    versions = f"SELECT {no_row(history.spec)} LIMIT 0"
    if history.manifests:
        own = [*history.spec.key, *filter(None, [history.spec.cursor])]
        same = ", ".join(f'"{name}"' for name in own)
        versions = (
            f"SELECT {selected} FROM (SELECT * REPLACE (min(_extracted_date) OVER one AS "
            "_extracted_date), row_number() OVER (one ORDER BY _extracted_date DESC) AS back "
            f"FROM ({rows_of(con, history, history.manifests)}) WHERE NOT _deleted "
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


def _add_merged(con: DuckDBPyConnection, history: History, column: str) -> None:
    """Every merged record with the one that survived all merges behind it.

    Merges are never undone: one that is older than the newest full read still holds.
    """
    key = history.spec.key[0]
    con.execute(
        f"""
        INSERT INTO raw.merged
        WITH RECURSIVE merges AS (
            SELECT "{key}" AS key, "{column}" AS merged_into, _extracted_date
            FROM ({rows_of(con, history, history.manifests)})
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


def _add_vanished(con: DuckDBPyConnection, history: History, scan: Manifest) -> None:
    key = " || '|' || ".join(f'"{name}"' for name in history.spec.key)
    con.execute(
        f"INSERT INTO raw.vanished SELECT '{history.system}', '{history.spec.name}', {key}, "
        f"_extracted_date, DATE '{scan.snapshot_date.isoformat()}' "
        f"FROM ({latest(con, history)}) WHERE _vanished"
    )


def _load_quarantine(con: DuckDBPyConnection, histories: list[History]) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE raw.quarantine (system VARCHAR, object VARCHAR, "
        "snapshot_date DATE, key VARCHAR, field VARCHAR, reason VARCHAR, payload VARCHAR, "
        "ordinal BIGINT, scope VARCHAR)"
    )
    for history in histories:
        for manifest in history.manifests:
            if manifest.quarantined:
                _add_quarantined(con, history, manifest)


def _add_quarantined(con: DuckDBPyConnection, history: History, manifest: Manifest) -> None:
    (file,) = history.files(QUARANTINE_FILE, (manifest,))
    scope = "parent" if history.spec.parent else "key"
    mended = ", ".join(f"'{quoted(name)}'" for name in history.reingested((manifest,)))
    still = f"WHERE ordinal NOT IN (SELECT _ordinal FROM read_parquet([{mended}]))"
    con.execute(
        f"INSERT INTO raw.quarantine SELECT '{history.system}', '{history.spec.name}', "
        f"DATE '{manifest.snapshot_date.isoformat()}', key, field, reason, payload, ordinal, "
        f"coalesce({scope}, '') FROM read_json('{quoted(file)}', "
        f"format = 'newline_delimited', columns = {_QUARANTINE_COLUMNS}) "
        f"{still if mended else ''}"
    )


def _load_open_quarantine(con: DuckDBPyConnection, histories: list[History]) -> None:
    """Records held back whose newest version no later extraction brought or replaced."""
    con.execute("CREATE OR REPLACE TABLE raw.open_quarantine AS FROM raw.quarantine LIMIT 0")
    for history in histories:
        if any(one.quarantined for one in history.current):
            con.execute(f"INSERT INTO raw.open_quarantine {_open_quarantined(con, history)}")


def _load_manifests(con: DuckDBPyConnection, histories: list[History]) -> None:
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


def _load_snapshots(con: DuckDBPyConnection, histories: list[History]) -> None:
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


def _add_snapshot(con: DuckDBPyConnection, history: History) -> None:
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


def _open_quarantined(con: DuckDBPyConnection, history: History) -> str:
    first = history.current[0].snapshot_date.isoformat()
    parent = history.spec.parent
    living = f"AND bad.scope NOT IN ({_dead(history.system, parent)})" if parent else ""
    seen = not_seen(history, "bad.snapshot_date", {history.spec.key[0]: "bad.key"})
    return f"""
        SELECT bad.* FROM raw.quarantine AS bad
        WHERE bad.system = '{history.system}' AND bad.object = '{history.spec.name}'
          AND bad.snapshot_date >= DATE '{first}'
          AND NOT EXISTS (
              SELECT 1 FROM ({rows_of(con, history)}) AS newer
              WHERE newer."{history.scope}" = bad.scope
                AND newer._extracted_date > bad.snapshot_date
          ) {living}
          AND NOT {seen}
        QUALIFY row_number() OVER (
            PARTITION BY CASE WHEN bad.key = '' THEN bad.payload ELSE bad.key END
            ORDER BY bad.snapshot_date DESC
        ) = 1
    """
