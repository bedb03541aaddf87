"""What was deleted in an account: one list for all objects, asked for once a night."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from extractors.erp.netsuite.suiteql import (
    INSTANT,
    SYSTEM,
    ask,
    behind,
    changed_since,
    items,
)
from extractors.errors import ContractBroken, Rejected
from extractors.http import HttpDoor

# Objects are read up to moments that lie close together: one list serves all of them.
MARGIN = timedelta(hours=1)

_KEY = ("recordtype", "recordid")
_COLUMNS = f"recordtype, recordid, TO_CHAR(SYS_EXTRACT_UTC(deleteddate), '{INSTANT}') AS deleted"


@dataclass(frozen=True)
class _List:
    since: datetime
    served_at: datetime
    rows: Sequence[tuple[str, str, datetime]]


class Deletions:
    """Shared by objects that begin together; who asks again gets a new list."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._list: _List | None = None
        self._asked: set[str] = set()

    async def since(
        self, door: HttpDoor, name: str, kinds: Sequence[str], at: datetime
    ) -> tuple[datetime, list[str]]:
        """When the list was made, and the ids of deleted records of these types."""
        async with self._lock:
            if self._list is None or at < self._list.since or name in self._asked:
                self._asked.clear()
                self._list = await _read(door, at - MARGIN)
            self._asked.add(name)
            found = self._list
        gone = [key for kind, key, deleted in found.rows if kind in kinds and deleted >= at]
        return found.served_at, gone


async def _read(door: HttpDoor, since: datetime) -> _List:
    terms = [changed_since("deleteddate", since)]
    rows: list[tuple[str, str, datetime]] = []
    served_at: datetime | None = None
    while True:
        query = f"SELECT {_COLUMNS} FROM deletedrecord WHERE {' AND '.join(terms)}"
        try:
            reply = await ask(door, f"{query} ORDER BY {', '.join(_KEY)}")
        except Rejected as error:
            raise ContractBroken(
                SYSTEM,
                "deletedrecord cannot be read, and deletions would go unseen; the role needs the "
                f"permission Deleted Records ({error.message})",
                code=error.code,
                request_id=error.request_id,
            ) from error
        served_at = served_at or reply.served_at
        page = items(reply)
        rows.extend(
            (
                row["recordtype"],
                row["recordid"],
                datetime.fromisoformat(row["deleted"]).replace(tzinfo=UTC),
            )
            for row in page
        )
        if not reply.member("hasMore"):
            return _List(since, served_at, rows)
        last = [str(page[-1][name]) for name in _KEY]
        terms = [*terms[:1], f"({behind(_KEY, last)})"]
