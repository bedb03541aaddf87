"""Cuts a list that can be filtered by `created` into parts that can be read side by side.

Lists come newest first, by whole seconds. How many records there are nobody says: it is guessed
from how many were seen in how much time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

LIST_LIMIT = 100
# A part is cut in two only when this many pages seem to be left: each cut costs up to one call
# that brings few records or none.
LEAST_PAGES = 6


def created(record: Mapping[str, Any]) -> int:
    """When a record was created, in unix seconds: an invoice item calls it its date."""
    return int(record["created"] if "created" in record else record["date"])


@dataclass(frozen=True)
class Range:
    """Records created from `since` to `until`, both seconds included; None is open.

    `after` is the last record read, created at `seen`; `read` counts what was read so far.
    `newest` is where the whole list began: an open end is guessed to reach as far again.
    """

    since: int | None = None
    until: int | None = None
    newest: int | None = None
    after: str | None = None
    seen: int | None = None
    read: int = 0

    @classmethod
    def of(cls, bookmark: Mapping[str, Any]) -> Self:
        return cls(**bookmark)

    def bookmark(self) -> dict[str, Any]:
        return asdict(self)

    def params(self) -> list[tuple[str, str]]:
        """The range as a list's filter, and the cursor inside of it."""
        bounds = {"created[gte]": self.since, "created[lte]": self.until}
        named = [(name, str(value)) for name, value in bounds.items() if value is not None]
        return named if self.after is None else [*named, ("starting_after", self.after)]

    def without_cursor(self) -> "Range":
        """The same from the second of the last record on, for when that record is of no use."""
        return replace(self, until=self.seen, after=None)

    def rest(self, page: Sequence[Mapping[str, Any]], idle: int) -> tuple["Range", ...]:
        """What is left behind a page that is not the last one: in two parts while calls are idle.

        Parts begin anew at a second, without the cursor: the records of that second are read
        twice, but a cursor is only trusted inside the bounds that it was made in.
        """
        newest, oldest = created(page[0]), created(page[-1])
        on = replace(
            self,
            newest=newest if self.newest is None else self.newest,
            after=page[-1]["id"],
            seen=oldest,
            read=self.read + len(page),
        )
        if idle <= 0 or newest == oldest:
            return (on,)
        cut = _middle(on)
        if cut is None:
            return (on,)
        newer = Range(cut + 1, oldest, on.newest)
        return newer, Range(self.since, cut, on.newest)


def _middle(part: Range) -> int | None:
    """The last second of the older half; None where too little is left to be cut."""
    assert part.seen is not None
    assert part.newest is not None
    if part.since is None:
        return part.seen - (part.newest - part.seen)
    left = part.seen - part.since
    covered = (part.newest if part.until is None else part.until) - part.seen
    if left * part.read < LEAST_PAGES * LIST_LIMIT * covered:
        return None
    return part.since + left // 2
