"""The key figures of a night as a report says them: value, change, history. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import Markup

from reconcilers.kpis.definitions import SECTIONS, Definition
from reconcilers.kpis.figures import TOTAL, Figure
from reconcilers.report.amounts import amount, percent
from reconcilers.report.sparkline import sparkline
from reconcilers.trace.folded import duration

HISTORY_NIGHTS = 30
SAME = "same"
# Members of these are few enough for the page; all of them are in kpis.csv.
ON_THE_PAGE = ("severity", "entity", "document", "queue", "error")


@dataclass(frozen=True)
class KpiLine:
    """One figure in one row of a report: exact numbers, and how people write them.

    `good` is whether the change since the last night is for the better; None where nothing
    changed, or no way is better. `history` ends with this night; None where there was no value.
    """

    code: str
    section: str
    name: str
    unit: str
    currency: str
    dimension: str
    member: str
    numerator: int | None
    denominator: int | None
    value: Decimal | None
    text: str
    change: str
    good: bool | None
    history: tuple[Decimal | None, ...]


@dataclass(frozen=True)
class Kpis:
    """The key figures of a night with those of the nights before, and what each means."""

    night: date | None = None
    nights: tuple[date, ...] = ()
    lines: tuple[KpiLine, ...] = ()
    definitions: tuple[Definition, ...] = ()

    @property
    def not_measured(self) -> tuple[Definition, ...]:
        return tuple(each for each in self.definitions if each.not_measured)

    @property
    def meanings(self) -> Mapping[str, Definition]:
        return {each.code: each for each in self.definitions}

    def totals(self, section: str) -> tuple[KpiLine, ...]:
        return tuple(
            line for line in self.lines if line.section == section and line.dimension == TOTAL
        )

    def members(self, section: str) -> tuple[KpiLine, ...]:
        """What the page shows beneath the totals."""
        return tuple(
            line
            for line in self.lines
            if line.section == section and line.dimension in ON_THE_PAGE and line.value is not None
        )

    @property
    def sections(self) -> Mapping[str, str]:
        return SECTIONS


def kpi_lines(
    history: Mapping[date, Sequence[Figure]],
    night: date,
    definitions: Mapping[str, Definition],
    exponents: Mapping[str, int],
    *,
    of_members: bool = False,
) -> Kpis:
    """From the figures of the last nights, this one last; no line where it was not measured.

    `of_members`: members have their history, too, which is a lot.
    """
    nights = sorted(history)
    by_key = [
        {(one.code, one.dimension, one.member): one for one in history[each]} for each in nights
    ]
    meanings = tuple(definitions.values())
    if not nights or nights[-1] != night:
        return Kpis(definitions=meanings)
    order = {code: number for number, code in enumerate(definitions)}
    lines = [
        _line(
            figure,
            definitions[figure.code],
            tuple(known.get(key).value if key in known else _absent(figure) for known in by_key),  # type: ignore[union-attr]
            exponents,
        )
        for key, figure in by_key[-1].items()
        if figure.code in definitions
    ]
    lines.sort(key=lambda line: (order[line.code], line.dimension != TOTAL, line.dimension))
    if not of_members:
        lines = [one if one.dimension == TOTAL else replace(one, history=()) for one in lines]
    return Kpis(night, tuple(nights), tuple(lines), meanings)


def _absent(figure: Figure) -> Decimal | None:
    """A member that a night does not list had nothing: a count of 0, and no ratio."""
    is_sum = figure.dimension != TOTAL and figure.denominator is None
    return Decimal(0) if is_sum and figure.code.startswith(("exceptions_", "money_")) else None


def _line(
    figure: Figure,
    definition: Definition,
    history: tuple[Decimal | None, ...],
    exponents: Mapping[str, int],
) -> KpiLine:
    before = history[-2] if len(history) > 1 else None
    moved = None if figure.value is None or before is None else figure.value - before
    change = _change(moved, definition.unit, figure.currency, exponents)
    if change == SAME:
        moved = None
    return KpiLine(
        code=figure.code,
        section=definition.section,
        name=definition.name,
        unit=definition.unit,
        currency=figure.currency,
        dimension=figure.dimension,
        member=figure.member,
        numerator=figure.numerator,
        denominator=figure.denominator,
        value=figure.value,
        text=written(figure.value, definition.unit, figure.currency, exponents),
        change=change,
        good=_is_good(moved, figure.value, definition.direction),
        history=history,
    )


def written(value: Decimal | None, unit: str, currency: str, exponents: Mapping[str, int]) -> str:
    """A figure as people write it; 'none' where there was nothing to measure."""
    if value is None:
        return "none"
    if unit == "money":
        return amount(int(value), currency, exponents)
    return _WRITTEN[unit](value)


_WRITTEN: Mapping[str, Callable[[Decimal], str]] = {
    "share": lambda value: percent(float(value)),
    "seconds": lambda value: duration(int(value)),
    "days": lambda value: f"{value:,.1f} d",
    "per_hour": lambda value: f"{value:,.1f} an hour",
    "count": lambda value: f"{int(value):,}",
}


def _change(moved: Decimal | None, unit: str, currency: str, exponents: Mapping[str, int]) -> str:
    if moved is None:
        return ""
    size = abs(moved)
    told = f"{size * 100:.2f} pp" if unit == "share" else written(size, unit, currency, exponents)
    if not any(digit in told for digit in "123456789"):
        return SAME  # too small to be seen
    return ("+" if moved > 0 else "\N{MINUS SIGN}") + told


def _is_good(moved: Decimal | None, value: Decimal | None, direction: str) -> bool | None:
    if direction == "zero" and value:
        return False
    if not moved or direction == "none":
        return None
    return (moved > 0) == (direction == "up")


def spans(nights: Sequence[date]) -> Iterator[int]:
    """How many days each night lies behind the first: a missed night is a gap, not a step."""
    yield from ((night - nights[0]) // timedelta(days=1) for night in nights)


def spark(line: KpiLine, nights: Sequence[date]) -> Markup:
    """The history of a figure as a small line."""
    points = zip(spans(nights), line.history, strict=True)
    return sparkline(
        f"{line.name}, the last {len(nights)} nights",
        [(day, None if value is None else float(value)) for day, value in points],
    )
