"""Publishes the event log as CloudEvents, one file of JSON lines per night."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from pyarrow.parquet import ParquetFile

from reconcilers.events.cloudevents import line
from reconcilers.events.log import EVENT_COLUMNS, EVENTS_FILE, EventLog

ROWS_AT_ONCE = 10_000
# The last night that was written: files that a receiver took away are not written again.
WRITTEN_THROUGH = ".written_through"


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
    """Events of the log behind a place in it, in order; no more than some in memory at once."""
    for day in log.days() if days is None else days:
        with ParquetFile(log.folder(day) / EVENTS_FILE) as file:
            groups = _groups_behind(file, after)
            for batch in file.iter_batches(
                ROWS_AT_ONCE, row_groups=groups, columns=list(EVENT_COLUMNS)
            ):
                yield from batch.filter(pc.greater(batch["sequence"], after)).to_pylist()


def _groups_behind(file: ParquetFile, after: int) -> list[int]:
    """The parts of a file that hold later events: what was sent long ago is not even read."""
    place = list(EVENT_COLUMNS).index("sequence")
    told = [
        file.metadata.row_group(at).column(place).statistics for at in range(file.num_row_groups)
    ]
    return [
        at for at, one in enumerate(told) if one is None or not one.has_min_max or one.max > after
    ]
