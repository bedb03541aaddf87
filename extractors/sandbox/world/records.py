"""The simulation's view of the store: changes are kept in memory and written in bulk at the end."""

from collections.abc import Iterator, Mapping
from typing import Any

from extractors.sandbox.ids import new_identifier
from extractors.sandbox.salesforce_schema import tracked_changes
from extractors.sandbox.schema import TABLES, System, to_text
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_events import EVENT_DAYS_KEPT, Note, notes_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, epoch, moment

Key = str | tuple[str, ...]
Kind = tuple[System, str]


class Records:
    """Reads through to the store; writes stay here until `flush`.

    `floor` is the earliest modification stamp given: cursors of nights before it stand already
    there, so nothing written now may carry an earlier one. `empty` says that the store holds
    nothing yet and need not be asked.
    """

    def __init__(self, store: Store, *, floor: int, empty: bool, until: int) -> None:
        self._store = store
        self._floor = floor
        self._empty = empty
        self._keep_events_from = until - EVENT_DAYS_KEPT * DAY
        self._cache: dict[Kind, dict[Key, Record]] = {}
        self._changed: dict[Kind, dict[Key, None]] = {}
        self._counters: dict[Kind, int] = {}
        self._events: list[Note] = []

    def new_id(self, system: System, kind: str) -> str:
        """The next id of an object, in step with the ones that the store itself gives out."""
        counter = self._counters.get((system, kind))
        if counter is None:
            counter = int(self._store.meta(f"ids.{system}.{kind}", 0))
            if system == "netsuite" and not self._empty:
                highest = self._store.query(f"SELECT MAX(id) FROM {TABLES[system, kind].sql_name}")
                counter = max(counter, highest[0][0] or 0)
        self._counters[system, kind] = counter + 1
        return new_identifier(system, kind, counter + 1)

    def get(self, system: System, kind: str, key: Key) -> Record | None:
        cached = self._cache.setdefault((system, kind), {})
        if key in cached or self._empty:
            return cached.get(key)
        found = self._store.get(system, kind, key)
        if found is not None and not found.get("deleted") and not found.get("IsDeleted"):
            cached[key] = found
        return cached.get(key)

    def need(self, system: System, kind: str, key: Key) -> Record:
        found = self.get(system, kind, key)
        if found is None:
            raise KeyError(f"{system} {kind} {key} does not exist")
        return found

    def rows(self, system: System, kind: str, **equals: Any) -> Iterator[Record]:
        """Records with these values: stored ones as they stand here, then the new ones."""
        list(self.stored(system, kind, **equals))
        for record in list(self._cache.get((system, kind), {}).values()):
            if all(record.get(name) == value for name, value in equals.items()):
                yield record

    def stored(self, system: System, kind: str, **equals: Any) -> Iterator[Record]:
        """As `rows`, but only what the store held already."""
        if not self._empty:
            cached = self._cache.setdefault((system, kind), {})
            for record in self._store.rows(system, kind, **equals):
                yield cached.setdefault(_key_of(system, kind, record), record)

    def add(self, system: System, kind: str, record: Mapping[str, Any], at: int) -> Record:
        """A new record, created and stamped at `at`."""
        made = dict(record)
        if system == "salesforce":
            stamp = self._text(system, at)
            made |= {"CreatedDate": to_text(moment(at), system), "IsDeleted": False}
            made |= {"LastModifiedDate": stamp, "SystemModstamp": stamp}
        elif system == "stripe":
            made = {"object": kind, **made}
            made.setdefault("created", at)
            self._note(None, made, at)
        elif "lastmodifieddate" in TABLES[system, kind].columns:
            made["lastmodifieddate"] = self._text(system, at)
        self._keep(system, kind, made)
        return made

    def edit(self, kind: str, key: Key, at: int, **fields: Any) -> Record:
        """Set fields of a Salesforce record as a user does (LastModifiedDate moves too)."""
        edited = self._text("salesforce", at)
        return self.change("salesforce", kind, key, at, **fields, LastModifiedDate=edited)

    def change(self, system: System, kind: str, key: Key, at: int, /, **fields: Any) -> Record:
        """Set fields as an integration or the vendor itself does."""
        before = self.need(system, kind, key)
        after = {**before, **fields}
        if system == "salesforce":
            after["SystemModstamp"] = self._text(system, at)
            self._track(kind, before, after, at)
        elif system == "stripe":
            self._note(before, after, at)
        elif "lastmodifieddate" in TABLES[system, kind].columns:
            after["lastmodifieddate"] = self._text(system, at)
        self._keep(system, kind, after)
        return after

    def _track(self, kind: str, before: Record, after: Record, at: int) -> None:
        """Keep the history of tracked Salesforce fields."""
        for history, change in tracked_changes(TABLES["salesforce", kind], before, after):
            noted = {"Id": self.new_id("salesforce", history), **change}
            noted["CreatedDate"] = self._text("salesforce", at)
            self._keep("salesforce", history, noted)

    def add_rows(self, rows: Mapping[str, list[Record]], at: int) -> None:
        """NetSuite rows of one document by table."""
        for table, records in rows.items():
            for record in records:
                self.add("netsuite", table, record, at)

    def flush(self) -> None:
        with self._store.transaction():
            for (system, kind), keys in self._changed.items():
                cached = self._cache[system, kind]
                self._store.put_many(system, kind, [cached[key] for key in keys])
            for (system, kind), counter in self._counters.items():
                self._store.set_meta(f"ids.{system}.{kind}", counter)
            self._flush_events()
        self._changed.clear()
        self._events.clear()
        self._empty = False

    def _flush_events(self) -> None:
        self._store.note_events(sorted(self._events, key=lambda note: note.at))

    def _note(self, before: Record | None, after: Record, at: int) -> None:
        stamp = max(at, self._floor)
        if stamp >= self._keep_events_from:
            self._events.extend(notes_of(stamp, before, after))

    def _text(self, system: System, at: int) -> str:
        return to_text(moment(max(at, self._floor)), system)

    def _keep(self, system: System, kind: str, record: Record) -> None:
        key = _key_of(system, kind, record)
        self._cache.setdefault((system, kind), {})[key] = record
        self._changed.setdefault((system, kind), {})[key] = None


def _key_of(system: System, kind: str, record: Mapping[str, Any]) -> Key:
    if system == "stripe":
        return str(record["id"])
    columns = TABLES[system, kind].key
    if len(columns) == 1:
        return str(record[columns[0]])
    return tuple(str(record[column]) for column in columns)


def floor_of(store: Store) -> int:
    """The first second after everything that the store has stamped so far."""
    return epoch(store.now()) + 1
