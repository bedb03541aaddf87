"""Small tables of settings, which tell no time of change: all of them by one query each night."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from extractors.erp.netsuite.suiteql import Row, Select, ask, items, literal, text_of, union
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

    @property
    def is_empty(self) -> bool:
        """Whether nothing was put on it yet."""
        return self._shelf is None

    def selects(self) -> list[Select]:
        """What to ask for to fill it: the first column says where a row belongs."""
        return [
            ([literal(_mark(spec)), *map(text_of, spec.fields)], spec.vendor_name)
            for spec in self._specs.values()
        ]

    def fill(self, served_at: datetime, found: Sequence[Row]) -> None:
        """Take its rows out of an answer, which may hold others."""
        rows: dict[str, list[Row]] = {name: [] for name in self._specs}
        specs = {_mark(spec): spec for spec in self._specs.values()}
        for row in found:
            spec = specs.get(row["c0"])
            if spec is not None:
                values = (
                    (item.path[0], row.get(f"c{at}")) for at, item in enumerate(spec.fields, 1)
                )
                kept = {column: value for column, value in values if value is not None}
                rows[spec.name].append(kept)
        self._shelf = _Shelf(served_at, rows)

    async def rows(self, door: HttpDoor, name: str) -> tuple[datetime, Sequence[Row]] | None:
        """All rows of a table and when they were read, or None if it must be read by itself."""
        if name not in self._specs:
            return None
        async with self._lock:
            if self._shelf is None or name in self._asked:
                self._asked.clear()
                await self._read(door)
            self._asked.add(name)
            found = self._shelf
        if found is None or found.rows is None or found.served_at is None:
            return None
        return found.served_at, found.rows[name]

    async def _read(self, door: HttpDoor) -> None:
        self._shelf = _Shelf()
        try:
            reply = await ask(door, union(self.selects()))
        except Rejected:
            return
        if not reply.member("hasMore"):
            self.fill(reply.served_at, items(reply))


def _mark(spec: ObjectSpec) -> str:
    return f"rows of {spec.name}"
