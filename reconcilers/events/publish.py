"""Publishes the event log as CloudEvents, one file of JSON lines per night, compressed."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from reconcilers.events.cloudevents import envelope
from reconcilers.events.log import EventLog

ROWS_AT_ONCE = 10_000
# A million invoices have 10 GB of events on their first night, and a twentieth of it so.
SUFFIX = ".jsonl.zst"
# The last night that was written: files that a receiver took away are not written again.
WRITTEN_THROUGH = ".written_through"


def export_day(log: EventLog, folder: Path, day: date) -> tuple[Path, int]:
    """Write the events that a night was the first to see, whole or not at all; path and count.

    Raises LookupError when the log has no such night.
    """
    if day not in log.days():
        raise LookupError(f"the event log has no night of {day}; run it first.")
    folder.mkdir(parents=True, exist_ok=True)
    target, count = folder / f"{day.isoformat()}{SUFFIX}", 0
    unfinished = target.with_suffix(".part")
    with pa.CompressedOutputStream(str(unfinished), "zstd") as file:
        for batch in _read(log, [day], f"encode({envelope()} || chr(10)) AS line"):
            file.write(_bytes_of(batch["line"]))
            count += len(batch)
    unfinished.replace(target)
    return target, count


def _bytes_of(lines: pa.BinaryArray) -> pa.Buffer:
    """All lines, which stand one behind the other in memory: none becomes an object of Python."""
    _, offsets, text = lines.buffers()
    places = memoryview(offsets).cast("i")
    begin, end = places[lines.offset], places[lines.offset + len(lines)]
    return text.slice(begin, end - begin)


def export_missing(log: EventLog, folder: Path, day: date) -> dict[date, int]:
    """Write a night's file, and those of nights whose run ended before theirs; events by night."""
    mark = folder / WRITTEN_THROUGH
    through = date.fromisoformat(mark.read_text()) if mark.exists() else date.min
    nights = log.days()
    counts = {one: export_day(log, folder, one)[1] for one in nights if one > through or one == day}
    if counts:
        unfinished = mark.with_suffix(".part")
        unfinished.write_text(nights[-1].isoformat())
        unfinished.replace(mark)
    return counts


def read_events(
    log: EventLog, *, after: int = 0, days: list[date] | None = None
) -> Iterator[dict[str, Any]]:
    """Events of the log behind a place in it, in order; no more than some in memory at once.

    Each has the columns of the log, and as `cloud_event` what is published of it.
    """
    nights = log.days() if days is None else days
    for batch in _read(log, nights, f"*, {envelope()} AS cloud_event", after):
        yield from batch.to_pylist()


def _read(
    log: EventLog, nights: list[date], wanted: str, after: int = 0
) -> Iterator[pa.RecordBatch]:
    """What is wanted of the nights' events, in order; what was sent long ago is not even read."""
    with duckdb.connect() as con:
        query = f"SELECT {wanted} FROM ({log.events(nights)}) WHERE sequence > ?"
        yield from con.sql(query, params=[after]).to_arrow_reader(ROWS_AT_ONCE)
