"""SOQL: what is asked of an object, in which order, and what its answers hold.

Rows are read behind the last row seen and not by the vendor's cursors: those expire, and a user's
eleventh closes the first.
"""

import string
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Self

from extractors.calls import Call, Reply
from extractors.http import HttpDoor
from extractors.protocol import Bookmark, ObjectSpec

API_VERSION = "v62.0"
DATA = "/services/data"
ROOT = f"{DATA}/{API_VERSION}"
# Rows become visible some time after the moment that they say they changed.
OVERLAP = timedelta(seconds=600)
# The most rows that the vendor puts into one answer; it may put fewer.
ROWS = 2000
# A part of a range is worth a call of its own from so many pages on: its last page is not full.
FEWEST_PAGES = 4

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH = 15


@dataclass(frozen=True)
class Place:
    """Where the reading of an object stands.

    All rows are read in the order of their ids, which never change: behind `after`, up to `upto`.
    Changes are read in the order of their times from `since` on, or behind the row `after` that
    changed `at`; there is no end to them, since a row that changes meanwhile moves there.
    """

    keys_only: bool = False
    since: str | None = None
    at: str | None = None
    after: str | None = None
    upto: str | None = None

    @classmethod
    def first(cls, cursor_from: datetime | None, *, keys_only: bool) -> Self:
        if cursor_from is None:
            return cls(keys_only=keys_only)
        start = (cursor_from - OVERLAP).astimezone(UTC)
        return cls(keys_only=keys_only, since=f"{start:%Y-%m-%dT%H:%M:%SZ}")

    @classmethod
    def of(cls, bookmark: Bookmark) -> Self:
        return cls(**bookmark["place"])

    @property
    def bookmark(self) -> Bookmark:
        return {"place": {name: value for name, value in asdict(self).items() if value}}

    @property
    def operation(self) -> str:
        """Deleted rows are told by `queryAll`; a scan of keys is for live ones."""
        return "query" if self.keys_only else "queryAll"

    @property
    def is_by_id(self) -> bool:
        return self.since is None

    @property
    def is_first_of_changes(self) -> bool:
        return not self.is_by_id and self.after is None

    def behind(self, spec: ObjectSpec, record: Mapping[str, Any]) -> Self:
        """The place behind a row."""
        if self.is_by_id:
            return replace(self, after=record["Id"])
        changed = str(record[cursor_of(spec)]).replace("+0000", "Z")
        return replace(self, at=changed, after=record["Id"])

    def soql(self, spec: ObjectSpec, names: Sequence[str]) -> str:
        """All that is left, in no order: for bulk queries, which an order would slow down."""
        wanted = "Id" if self.keys_only else ", ".join(names)
        terms = " AND ".join(self._terms(cursor_of(spec)))
        return f"SELECT {wanted} FROM {spec.vendor_name}" + (f" WHERE {terms}" if terms else "")

    def page_soql(self, spec: ObjectSpec, names: Sequence[str]) -> str:
        """The next rows. The first answer tells how many there are at all, hence without limit."""
        order = "Id" if self.is_by_id else f"{cursor_of(spec)}, Id"
        limit = f" LIMIT {ROWS}" if self.after else ""
        return f"{self.soql(spec, names)} ORDER BY {order}{limit}"

    def _terms(self, cursor: str) -> Sequence[str]:
        if not self.is_by_id:
            if self.at is None:
                return (f"{cursor} >= {self.since}",)
            return f"{cursor} >= {self.at}", f"({cursor} > {self.at} OR Id > '{self.after}')"
        bounds = ((">", self.after), ("<=", self.upto))
        return [f"Id {sign} '{key}'" for sign, key in bounds if key]

    def parts(self, before: Self, idle: int) -> Sequence[Self]:
        """What is left, split for reading side by side where `idle` calls more could be sent.

        The page that was just read, from the place `before` to this one, tells how dense ids are.
        """
        if self.upto is None or self.after is None or before.after is None:
            return (self,)
        begun, read_to, end = (_number(key) for key in (before.after, self.after, self.upto))
        pages = (end - read_to) / max(read_to - begun, 1)
        count = min(1 + idle, int(pages / FEWEST_PAGES))
        inner = [_id(read_to + (end - read_to) * part // count) for part in range(1, count)]
        edges = [self.after, *inner, self.upto]
        return [replace(self, after=low, upto=high) for low, high in pairwise(edges)]


def cursor_of(spec: ObjectSpec) -> str:
    """The vendor's name of the field that tells when a row changed."""
    return next(item.path[0] for item in spec.fields if item.column == spec.cursor)


def query(soql: str, operation: str = "query") -> Call:
    return Call("GET", f"{ROOT}/{operation}", params=(("q", soql),))


def is_last(reply: Reply, place: Place) -> bool:
    """Whether nothing is left behind this answer."""
    limited = place.after is not None
    return bool(reply.member("done")) and not (limited and int(reply.member("totalSize")) >= ROWS)


async def query_pages(
    door: HttpDoor, soql: str, *, operation: str = "query"
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """The rows of a short query, answer by answer; the next answer is named by a path."""
    reply = await door.send(query(soql, operation))
    while True:
        yield reply.member("records")
        if reply.member("done"):
            return
        reply = await door.send(Call("GET", reply.member("nextRecordsUrl")))


def _number(record_id: str) -> int:
    """An id as a number; the three characters behind the fifteen repeat what is in them."""
    number = 0
    for character in record_id[:_ID_LENGTH]:
        number = number * len(_DIGITS) + _DIGITS.index(character)
    return number


def _id(number: int) -> str:
    text = ""
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
