"""Puts records into the store, many at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from extractors.sandbox.schema import System
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_events import EVENT_DAYS_KEPT, Note, notes_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY

_BUFFERED = 5_000

Kind = tuple[System, str]


class Writer:
    """Takes records one by one and writes them in bulk, with the events of the last month."""

    def __init__(self, store: Store, until: int) -> None:
        self.counts: Counter[str] = Counter()
        self._store = store
        self._events_from = until - EVENT_DAYS_KEPT * DAY
        self._waiting: dict[Kind, list[Record]] = defaultdict(list)
        self._events: list[Note] = []

    def add(self, system: System, kind: str, record: Record) -> None:
        self.counts[f"{system}.{kind}"] += 1
        waiting = self._waiting[system, kind]
        waiting.append(record)
        if system == "stripe" and record["created"] >= self._events_from:
            made = {**record, "object": kind}
            at = record["created"]
            self._events += notes_of(at, None, made)
        if len(waiting) == _BUFFERED:
            self._store.put_many(system, kind, waiting)
            waiting.clear()

    def add_rows(self, rows: Mapping[str, Iterable[Record]]) -> None:
        for table, records in rows.items():
            for record in records:
                self.add("netsuite", table, record)

    def number(self, system: System, kind: str) -> int:
        """The number of the record that is added next, counted from 1."""
        return self.counts[f"{system}.{kind}"] + 1

    def close(self) -> None:
        for (system, kind), waiting in self._waiting.items():
            self._store.put_many(system, kind, waiting)
        for name, count in self.counts.items():
            self._store.set_meta(f"ids.{name}", count)
        self._store.note_events(sorted(self._events, key=lambda note: note.at))
