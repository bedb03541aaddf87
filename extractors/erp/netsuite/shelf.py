"""Small tables of settings, which tell no time of change: all of them by one query each night."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from extractors.erp.netsuite.suiteql import Row, ask, items, literal, text_of
from extractors.errors import Rejected
from extractors.http import HttpDoor
from extractors.protocol import ObjectSpec


@dataclass(frozen=True)
class _Shelf:
    """The rows of each table; nothing where they are too many, or where one cannot be read."""

    served_at: datetime | None = None
    rows: Mapping[str, Sequence[Row]] | None = None


class Shelf:
    """Shared by objects that begin together; who asks again gets a new one."""

    def __init__(self, specs: Sequence[ObjectSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._lock = asyncio.Lock()
        self._shelf: _Shelf | None = None
        self._asked: set[str] = set()

    async def rows(self, door: HttpDoor, name: str) -> tuple[datetime, Sequence[Row]] | None:
        """All rows of a table and when they were read, or None if it must be read by itself."""
        if name not in self._specs:
            return None
        async with self._lock:
            if self._shelf is None or name in self._asked:
                self._asked.clear()
                self._shelf = await _read(door, list(self._specs.values()))
            self._asked.add(name)
            found = self._shelf
        if found.rows is None or found.served_at is None:
            return None
        return found.served_at, found.rows[name]


async def _read(door: HttpDoor, specs: Sequence[ObjectSpec]) -> _Shelf:
    width = max(len(spec.fields) for spec in specs)
    try:
        reply = await ask(door, " UNION ALL ".join(_query(spec, width) for spec in specs))
    except Rejected:
        return _Shelf()
    if reply.member("hasMore"):
        return _Shelf()
    rows: dict[str, list[Row]] = {spec.name: [] for spec in specs}
    fields = {spec.name: [item.path[0] for item in spec.fields] for spec in specs}
    for row in items(reply):
        name = row["kept_in"]
        values = ((column, row.get(f"c{at}")) for at, column in enumerate(fields[name]))
        rows[name].append({column: value for column, value in values if value is not None})
    return _Shelf(reply.served_at, rows)


def _query(spec: ObjectSpec, width: int) -> str:
    """As many columns as the widest table has, each of them text."""
    columns = [text_of(item) for item in spec.fields]
    columns += ["''"] * (width - len(columns))
    listed = ", ".join(f"{column} AS c{at}" for at, column in enumerate(columns))
    return f"SELECT {literal(spec.name)} AS kept_in, {listed} FROM {spec.vendor_name}"
