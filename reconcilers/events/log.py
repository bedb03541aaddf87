"""The event log: what each night was the first to see, one immutable folder per snapshot day.

It grows only at its end. A day that is in it is never written again, and a day that lies before
its end adds nothing; deleted, it is gathered again by replaying the nights from the raw zone.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

EVENTS_FILE = "events.parquet"
STATES_FILE = "states.parquet"
STAGING = ".staging"
EVENT_COLUMNS = {
    "event_id": "VARCHAR",
    "event_type": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "detected_date": "DATE",
    "detected_at": "TIMESTAMP",
    "sequence": "BIGINT",
    "system": "VARCHAR",
    "object": "VARCHAR",
    "source_id": "VARCHAR",
    "subject_kind": "VARCHAR",
    "subject_id": "VARCHAR",
    "canonical_customer_id": "VARCHAR",
    "correlation_id": "VARCHAR",
    "legal_entity": "VARCHAR",
    "currency": "VARCHAR",
    "amount_minor": "BIGINT",
    "before_json": "VARCHAR",
    "after_json": "VARCHAR",
}
STATE_COLUMNS = {
    "system": "VARCHAR",
    "object": "VARCHAR",
    "source_id": "VARCHAR",
    "subject_id": "VARCHAR",
    "attribute": "VARCHAR",
    "value": "VARCHAR",
    "detected_date": "DATE",
}


class EventsBroken(RuntimeError):  # noqa: N818 - a state, told as one
    """The warehouse and the event log do not fit together."""


@dataclass(frozen=True)
class Appended:
    """What a night added to the log; `is_new` is false when it had nothing to add."""

    events: int
    is_new: bool


@dataclass(frozen=True)
class EventLog:
    """The folders under one root; one night writes at a time."""

    root: Path

    def folder(self, day: date) -> Path:
        return self.root / f"detected_date={day.isoformat()}"

    def days(self) -> list[date]:
        """Nights of the log, oldest first."""
        folders = self.root.glob(f"detected_date=*/{EVENTS_FILE}")
        return sorted(date.fromisoformat(file.parent.name.partition("=")[2]) for file in folders)

    def events(self, nights: Iterable[date]) -> str:
        """SQL for the events of these nights, in the order of the log."""
        files = [str(self.folder(night) / EVENTS_FILE) for night in nights]
        return _rows(files, EVENT_COLUMNS)

    def load(self, con: DuckDBPyConnection, day: date) -> None:
        """Bring the log up to `day` into schema `event_log`, for the models to build upon.

        What stands there as of an earlier day takes in the days since.
        """
        days = self.days()
        con.execute("CREATE SCHEMA IF NOT EXISTS event_log")
        con.execute("CREATE OR REPLACE TABLE event_log.days (detected_date DATE)")
        if days:
            con.executemany("INSERT INTO event_log.days VALUES (?)", [[one] for one in days])
        for name, file, columns in (
            ("events", EVENTS_FILE, EVENT_COLUMNS),
            ("states", STATES_FILE, STATE_COLUMNS),
        ):
            files = [str(self.folder(one) / file) for one in days if one <= day]
            _bring_up(con, f"event_log.{name}", files, columns)

    def append(self, con: DuckDBPyConnection, day: date) -> Appended:
        """Keep what the warehouse, which is built for `day`, is the first to see.

        Raises EventsBroken when the warehouse shows events of a day that the log cannot take.
        """
        found = _count(con, day)
        days = self.days()
        if days and day <= days[-1]:
            kept = self._kept(con, day) if day in days else 0
            if kept != found:
                raise EventsBroken(
                    f"the warehouse shows {found} events of {day}, the event log holds {kept} and "
                    f"ends with {days[-1]}. Rebuild the warehouse (`tieout nightly {day}`)."
                )
            return Appended(found, is_new=False)
        self._publish(con, day)
        return Appended(found, is_new=True)

    def _kept(self, con: DuckDBPyConnection, day: date) -> int:
        file = _quoted(str(self.folder(day) / EVENTS_FILE))
        return int(con.sql(f"SELECT count(*) FROM read_parquet('{file}')").fetchall()[0][0])

    def _publish(self, con: DuckDBPyConnection, day: date) -> None:
        """The folder appears whole, by one rename."""
        staging = self.root / STAGING / day.isoformat()
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        written = f"DATE '{day.isoformat()}'"
        events = (
            f"SELECT {', '.join(EVENT_COLUMNS)} FROM events.business_events "
            f"WHERE detected_date = {written} ORDER BY sequence"
        )
        states = (
            "SELECT system, object, source_id, subject_id, attribute, value_after AS value, "
            f"{written} AS detected_date FROM events.event_attribute_changes "
            "ORDER BY system, object, source_id, attribute"
        )
        for query, name in ((events, EVENTS_FILE), (states, STATES_FILE)):
            con.execute(f"COPY ({query}) TO '{_quoted(str(staging / name))}' (FORMAT parquet)")
        staging.replace(self.folder(day))


def _bring_up(
    con: DuckDBPyConnection, table: str, files: Sequence[str], columns: Mapping[str, str]
) -> None:
    """Make the table of these files; where it stands, of the first of them, add the others."""
    con.execute(
        "CREATE TABLE IF NOT EXISTS event_log.made_of (name VARCHAR PRIMARY KEY, files VARCHAR[])"
    )
    wanted = [str(columns), *map(_stamped, files)]
    con.execute("BEGIN")
    try:
        ((known,),) = con.execute(
            "SELECT coalesce(max(files), []) FROM event_log.made_of SEMI JOIN duckdb_tables() "
            "ON name = schema_name || '.' || table_name WHERE name = ?",
            [table],
        ).fetchall()
        if known and known == wanted[: len(known)]:
            if added := files[len(known) - 1 :]:
                con.execute(f"INSERT INTO {table} {_rows(added, columns)}")
        else:
            con.execute(f"CREATE OR REPLACE TABLE {table} AS {_rows(files, columns)}")
        con.execute("INSERT OR REPLACE INTO event_log.made_of VALUES (?, ?)", [table, wanted])
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def _stamped(file: str) -> str:
    stat = Path(file).stat()
    return f"{file} {stat.st_size} {stat.st_mtime_ns}"


def _count(con: DuckDBPyConnection, day: date) -> int:
    query = "SELECT count(*) FROM events.business_events WHERE detected_date = ?"
    return int(con.sql(query, params=[day]).fetchall()[0][0])


def _rows(files: Sequence[str], columns: Mapping[str, str]) -> str:
    """SQL for the rows of these files; none of them is an empty table of the same columns."""
    if not files:
        empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns.items())
        return f"SELECT {empty} LIMIT 0"
    names = ", ".join(f"'{_quoted(file)}'" for file in files)
    kept = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    return (
        f"SELECT {kept} FROM read_parquet([{names}], union_by_name = true, "
        "hive_partitioning = false)"
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''")
