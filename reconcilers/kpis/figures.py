"""Figures of a night, as sums: a ratio is a sum over a sum, never a mean of ratios. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import TypeVar

from reconcilers.rates import MissingRateError

TOTAL = "total"
T = TypeVar("T")
Groups = Mapping[str, Callable[[T], str]]


@dataclass(frozen=True, order=True)
class Figure:
    """One key figure of a night, in total or of one member of a dimension.

    Amounts are minor units of `currency`, durations seconds. Without a denominator the numerator
    is the value; None means that there was nothing to measure.
    """

    code: str
    dimension: str
    member: str
    numerator: int | None
    denominator: int | None = None
    currency: str = ""

    @property
    def value(self) -> Decimal | None:
        """The figure in its unit (money in minor units); None when there was nothing to measure."""
        if self.numerator is None or self.denominator == 0:
            return None
        return Decimal(self.numerator) / (1 if self.denominator is None else self.denominator)


def summed(
    code: str,
    items: Collection[T],
    groups: Groups[T],
    top: Callable[[T], int],
    bottom: Callable[[T], int] | None = None,
    *,
    currency: str = "",
) -> Iterator[Figure]:
    """The sum (over a sum) of all items, and of those of each member of each dimension."""
    for dimension, member, those in _grouped(items, groups):
        below = None if bottom is None else sum(map(bottom, those))
        yield Figure(code, dimension, member, sum(map(top, those)), below, currency)


def counted(code: str, items: Collection[T], groups: Groups[T]) -> Iterator[Figure]:
    """How many items there are."""
    yield from summed(code, items, groups, lambda _: 1)


def share(
    code: str, items: Collection[T], groups: Groups[T], holds: Callable[[T], bool]
) -> Iterator[Figure]:
    """How many of the items it holds for, over how many there are."""
    yield from summed(code, items, groups, lambda item: int(holds(item)), lambda _: 1)


def percentile(
    code: str, items: Collection[T], groups: Groups[T], value: Callable[[T], int], percent: int
) -> Iterator[Figure]:
    """The least value that so many of a hundred items do not exceed."""
    for dimension, member, those in _grouped(items, groups):
        ranked = sorted(map(value, those))
        found = ranked[ceil(len(ranked) * percent / 100) - 1] if ranked else None
        yield Figure(code, dimension, member, found)


def where_rated(code: str, figures: Iterable[Figure]) -> Iterator[Figure]:
    """The figures, or a total without a value: money without a rate must not end a night here."""
    try:
        yield from list(figures)
    except MissingRateError:
        yield Figure(code, TOTAL, "", None)


def _grouped(items: Collection[T], groups: Groups[T]) -> Iterator[tuple[str, str, Collection[T]]]:
    yield TOTAL, "", items
    for dimension, key in groups.items():
        members: dict[str, list[T]] = defaultdict(list)
        for item in items:
            members[key(item)].append(item)
        for member, those in sorted(members.items()):
            yield dimension, member, those
