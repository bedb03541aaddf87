"""Everything the sandbox company knows, in one SQLite file for the servers and their controller.

Records have the vendors' own shapes and names: Salesforce 'Account', Stripe 'customer',
NetSuite 'transactionline'. Ids and decimals are text; times are the vendor's text (Stripe: unix
seconds); booleans are bool, in NetSuite 'T' or 'F'.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from extractors.sandbox import documents, tables
from extractors.sandbox.database import Database
from extractors.sandbox.ids import new_identifier
from extractors.sandbox.salesforce_schema import tracked_changes
from extractors.sandbox.schema import TABLES, System, Table, to_text
from extractors.sandbox.stripe_events import (
    DEFAULT_VERSION,
    PENDING_WEBHOOKS,
    Note,
    event,
    event_prefix,
    notes_of,
)
from extractors.sandbox.stripe_shapes import complete
from extractors.sandbox.tables import Key, Record

_META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"


class Store(Database):
    """Reads and writes the vendors' records, with the stamps and events the vendors would make."""

    def __init__(self, path: Path | str, account: str = "") -> None:
        super().__init__(path, account)
        created = self.query("SELECT 1 FROM sqlite_master WHERE name = 'stripe'")
        if not created:
            self.create([_META, *documents.CREATE_STATEMENTS, *_create_tables()])

    def rows(self, system: System, kind: str, /, **equals: Any) -> list[Record]:
        """Live records with these values, in the order of their keys (Stripe: of creation)."""
        if system == "stripe":
            return documents.find(self, kind, equals)
        return tables.find(self, table_of(system, kind), equals)

    def get(self, system: System, kind: str, key: Key, /) -> Record | None:
        """One record, deleted or not, by its id (a tuple where the key has several parts)."""
        if system == "stripe":
            return documents.read(self, kind, str(key))
        return tables.read(self, table_of(system, kind), key)

    def put(
        self, system: System, kind: str, record: Mapping[str, Any], stamp: bool = True
    ) -> Record:
        """Insert a record, or change the given fields of the one that is there; returns it whole.

        With `stamp` the clock ticks, the vendor's modification columns get that time (those of the
        parent too where the vendor has none on the child), and Stripe notes its events. Nested
        Stripe fields are replaced, not merged.
        """
        with self.transaction():
            if system == "stripe":
                return self._put_document(kind, record, stamp=stamp)
            return self._put_row(table_of(system, kind), record, stamp=stamp)

    def put_many(
        self,
        system: System,
        kind: str,
        records: Iterable[Mapping[str, Any]],
        *,
        events: bool = False,
    ) -> int:
        """Insert or replace whole records in bulk with the stamps they carry; returns how many.

        With `events` (Stripe only) the clock ticks once and each record gets its events then.
        """
        with self.transaction():
            if system != "stripe":
                return tables.write(self, table_of(system, kind), records)
            listed = [{**record, "object": kind} for record in records]
            before = [documents.read(self, kind, r["id"]) if events else None for r in listed]
            documents.write(self, kind, listed)
            if events:
                changes = zip(before, listed, strict=True)
                at = int(self.tick().timestamp())
                self.note_events(note for old, new in changes for note in notes_of(at, old, new))
            return len(listed)

    def put_events(self, notes: Iterable[tuple[str, Mapping[str, Any]]], at: datetime) -> None:
        """Note Stripe events: (type such as 'invoice.paid', the object it is about)."""
        second = int(at.timestamp())
        self.note_events(Note(second, event_type, about) for event_type, about in notes)

    def note_events(self, notes: Iterable[Note]) -> None:
        """Note Stripe events, each of its own time, in the order given."""
        with self.transaction():
            count = self.meta("stripe_events", 0)
            books = documents.DocumentBooks(self)
            settings = {key: self.meta(key) for key in (DEFAULT_VERSION, PENDING_WEBHOOKS)}
            written = []
            for note in notes:
                count += 1
                written.append(event(count, note, books, settings))
            documents.write(self, "event", written)
            self.set_meta("stripe_events", count)

    def delete(self, system: System, kind: str, key: Key, /) -> None:
        """Delete as the vendor does.

        Salesforce marks the record, NetSuite removes it with its children and keeps a
        deletedrecord, Stripe leaves a stub of a customer and nothing of anything else.
        """
        if self.get(system, kind, key) is None:
            raise KeyError(f"{system} {kind} {key} does not exist")
        with self.transaction():
            if system == "stripe":
                self._delete_document(kind, str(key))
            elif system == "salesforce":
                self.put(system, kind, {"Id": key, "IsDeleted": True})
            else:
                self._delete_row(table_of(system, kind), key)

    def new_id(self, system: System, kind: str, /) -> str:
        """An id in the vendor's form that no record has."""
        with self.transaction():
            count = self.meta(f"ids.{system}.{kind}", 0)
            if system == "netsuite":
                sql = f"SELECT MAX(id) FROM {table_of(system, kind).sql_name}"
                count = max(count, self.query(sql)[0][0] or 0)
            while True:
                count += 1
                candidate = new_identifier(system, kind, count)
                if self.get(system, kind, candidate) is None:
                    self.set_meta(f"ids.{system}.{kind}", count)
                    return candidate

    def _put_document(self, kind: str, record: Mapping[str, Any], *, stamp: bool) -> Record:
        before = documents.read(self, kind, record["id"])
        after = {**(before or {}), **record, "object": kind}
        at = self.tick() if stamp else self.now()
        after.setdefault("created", int(at.timestamp()))
        if stamp and kind in {"billing.meter", "product"}:
            after["updated"] = int(at.timestamp())
        after = complete(kind, after)
        documents.write(self, kind, [after])
        if stamp:
            self.note_events(notes_of(int(at.timestamp()), before, after))
        return after

    def _put_row(self, table: Table, record: Mapping[str, Any], *, stamp: bool) -> Record:
        before = tables.read(self, table, tables.key_of(table, record))
        after = {**(before or {}), **record}
        if stamp:
            after |= self._stamps(table, self.tick(), is_new=before is None, record=record)
        tables.write(self, table, [after])
        if stamp:
            self._stamp_parent(table, after)
        stored = tables.read(self, table, tables.key_of(table, record))
        assert stored is not None
        if stamp and before is not None:
            for history, change in tracked_changes(table, before, stored):
                noted = {"Id": self.new_id("salesforce", history), "CreatedDate": self.now()}
                tables.write(self, TABLES["salesforce", history], [noted | change])
        return stored

    def _stamps(
        self, table: Table, at: datetime, *, is_new: bool, record: Mapping[str, Any]
    ) -> dict[str, str]:
        text = to_text(at, table.system)
        stamps = dict.fromkeys(table.modified_columns, text)
        created = table.created_column
        if is_new and created and record.get(created) is None:
            stamps[created] = text
        return stamps

    def _stamp_parent(self, table: Table, record: Mapping[str, Any]) -> None:
        if table.parent is None:
            return
        column, parent = table.parent
        if record.get(column) is not None and self.get(table.system, parent, record[column]):
            owner = table_of(table.system, parent)
            stamps = self._stamps(owner, self.now(), is_new=False, record={})
            tables.update(self, owner, record[column], stamps)

    def _delete_document(self, kind: str, record_id: str) -> None:
        stub = {"id": record_id, "object": kind, "deleted": True}
        document = documents.read(self, kind, record_id)
        assert document is not None
        at = self.tick()
        if kind == "customer":
            documents.write(self, kind, [stub | {"created": document["created"]}])
        else:
            documents.remove(self, record_id)
        self.put_events([(f"{event_prefix(kind)}.deleted", document)], at)

    def _delete_row(self, table: Table, key: Key) -> None:
        record = tables.read(self, table, key)
        assert record is not None
        at = self.tick()
        self._stamp_parent(table, record)
        for child in _children(table):
            assert child.parent is not None
            tables.remove_where(self, child, child.parent[0], key)
        tables.remove(self, table, key)
        if table.parent is None:
            gone = {"recordtype": table.name, "recordid": key, "deleteddate": at}
            tables.write(self, TABLES["netsuite", "deletedrecord"], [gone])


def table_of(system: System, kind: str) -> Table:
    try:
        return TABLES[system, kind]
    except KeyError:
        raise KeyError(f"The sandbox has no {system} object {kind!r}") from None


def _children(table: Table) -> list[Table]:
    return [
        child
        for child in TABLES.values()
        if child.system == table.system and child.parent and child.parent[1] == table.name
    ]


def _create_tables() -> list[str]:
    return [statement for table in TABLES.values() for statement in table.create_statements()]
