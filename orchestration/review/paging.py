"""Which part of a long list a page shows, and the addresses of its other parts."""

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Paging:
    """The page `number`, from 1, of `total` rows; `query` makes the query of another page."""

    number: int
    size: int
    query: Callable[..., str]
    total: int = 0

    def of(self, total: int) -> "Paging":
        return replace(self, total=total)

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def pages(self) -> int:
        return max(-(-self.total // self.size), 1)

    @property
    def first(self) -> int:
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.offset + self.size, self.total)

    def at(self, number: int) -> str:
        """The query of another page."""
        return self.query(page=number)
