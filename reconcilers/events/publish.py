"""Publishes the event log as CloudEvents, one file of JSON lines per night."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pyarrow.parquet import ParquetFile

from reconcilers.events.cloudevents import line
from reconcilers.events.log import EVENT_COLUMNS, EVENTS_FILE, EventLog

ROWS_AT_ONCE = 10_000


def export_day(log: EventLog, folder: Path, day: date) -> tuple[Path, int]:
    """Write the events that a night was the first to see, whole or not at all; path and count.

    Raises LookupError when the log has no such night.
    """
    if day not in log.days():
        raise LookupError(f"the event log has no night of {day}; run it first.")
    folder.mkdir(parents=True, exist_ok=True)
    target, count = folder / f"{day.isoformat()}.jsonl", 0
    unfinished = target.with_suffix(".jsonl.part")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        for event in read_events(log, days=[day]):
            file.write(line(event) + "\n")
            count += 1
    unfinished.replace(target)
    return target, count


def read_events(
    log: EventLog, *, after: int = 0, days: list[date] | None = None
) -> Iterator[dict[str, Any]]:
    """Events of the log behind a place in it, in order; no more than some in memory at once."""
    for day in log.days() if days is None else days:
        with ParquetFile(log.folder(day) / EVENTS_FILE) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(EVENT_COLUMNS)):
                yield from (event for event in batch.to_pylist() if event["sequence"] > after)
