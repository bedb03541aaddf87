"""How Salesforce and NetSuite objects are kept: a real table each, for SOQL and SuiteQL."""

from collections.abc import Iterable, Mapping
from typing import Any

from extractors.sandbox.database import Database
from extractors.sandbox.schema import Table, decoder, encoder

Record = dict[str, Any]
Key = str | int | tuple[str | int, ...]


def key_of(table: Table, record: Mapping[str, Any]) -> tuple[Any, ...]:
    missing = [column for column in table.key if record.get(column) is None]
    if missing:
        raise ValueError(
            f"A {table.system} {table.name} needs {', '.join(missing)}: {dict(record)}"
        )
    return tuple(record[column] for column in table.key)


def find(database: Database, table: Table, equals: Mapping[str, Any]) -> list[Record]:
    """Records with these values, by key; deleted Salesforce records only where asked for."""
    wanted = dict(equals)
    if "IsDeleted" in table.columns:
        wanted.setdefault("IsDeleted", False)
    _require_known(table, wanted)
    where = " AND ".join(f'"{column}" IS ?' for column in wanted) or "1"
    parameters = [encoder(table, column)(value) for column, value in wanted.items()]
    order = ", ".join(f'"{column}"' for column in table.key)
    sql = f"SELECT * FROM {table.sql_name} WHERE {where} ORDER BY {order}"
    return decode(table, database.query(sql, parameters))


def decode(table: Table, rows: Iterable[tuple[Any, ...]]) -> list[Record]:
    """Records from rows that hold every column in the order declared."""
    decoders = [(column, decoder(table, column)) for column in table.columns]
    return [
        {name: decode_one(value) for (name, decode_one), value in zip(decoders, row, strict=True)}
        for row in rows
    ]


def read(database: Database, table: Table, key: Key) -> Record | None:
    parts = key if isinstance(key, tuple) else (key,)
    where = " AND ".join(f'"{column}" = ?' for column in table.key)
    if len(parts) != len(table.key):
        raise ValueError(f"{table.system} {table.name} is keyed by {table.key}, not by {key!r}")
    rows = database.query(f"SELECT * FROM {table.sql_name} WHERE {where}", parts)
    return decode(table, rows)[0] if rows else None


def write(database: Database, table: Table, records: Iterable[Mapping[str, Any]]) -> int:
    """Insert or replace whole records; columns left out become null."""
    encoders = [(column, encoder(table, column)) for column in table.columns]
    count = 0

    def rows() -> Iterable[tuple[Any, ...]]:
        nonlocal count
        for record in records:
            if not record.keys() <= table.columns.keys():
                _require_known(table, record)
            key_of(table, record)
            count += 1
            yield tuple(encode(record.get(column)) for column, encode in encoders)

    marks = ", ".join("?" * len(encoders))
    database.execute_many(f"INSERT OR REPLACE INTO {table.sql_name} VALUES ({marks})", rows())
    return count


def update(database: Database, table: Table, key: Key, values: Mapping[str, Any]) -> None:
    """Set columns of one record and leave the others."""
    if not values:
        return
    parts = key if isinstance(key, tuple) else (key,)
    assigned = ", ".join(f'"{column}" = ?' for column in values)
    where = " AND ".join(f'"{column}" = ?' for column in table.key)
    encoded = [encoder(table, column)(value) for column, value in values.items()]
    database.execute(f"UPDATE {table.sql_name} SET {assigned} WHERE {where}", [*encoded, *parts])


def remove_where(database: Database, table: Table, column: str, value: Key) -> None:
    database.execute(f'DELETE FROM {table.sql_name} WHERE "{column}" = ?', (value,))


def remove(database: Database, table: Table, key: Key) -> None:
    parts = key if isinstance(key, tuple) else (key,)
    where = " AND ".join(f'"{column}" = ?' for column in table.key)
    database.execute(f"DELETE FROM {table.sql_name} WHERE {where}", parts)


def _require_known(table: Table, record: Mapping[str, Any]) -> None:
    unknown = sorted(record.keys() - table.columns.keys())
    if unknown:
        raise ValueError(f"{table.system} {table.name} has no column {', '.join(unknown)}")
