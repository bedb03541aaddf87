"""Both sides of an exception, value by value, as the comparison that found it shows them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from reconcilers.engine import exists
from reconcilers.masking import masked
from reconcilers.report.amounts import amount
from reconcilers.rules.comparison import COMPARISONS

# Columns that may hold what names a person or a company; shown masked, whatever system they are of.
_PERSONAL = re.compile(r"(^|_)(name|email|mail|tax_id|vat|street|city|postal|phone|address)(_|$)")
_SIDES = {comparison.name: comparison.sides for comparison in COMPARISONS}
_MINOR = "_minor"
# What the exception itself says, and what only rules read.
_LEFT_OUT = re.compile(r"row_key|entity|canonical_id|correlation_id|.*coverage_seconds")


@dataclass(frozen=True)
class Compared:
    """One value as each side has it, '' where a side has none; `differs` if they are not equal."""

    name: str
    values: tuple[str, ...]
    differs: bool


@dataclass(frozen=True)
class BothSides:
    """A row of a comparison: what the sides are called, what they say, and what belongs to both."""

    sides: tuple[str, ...]
    compared: tuple[Compared, ...]
    shared: tuple[tuple[str, str], ...]


def both_sides(
    con: duckdb.DuckDBPyConnection, comparison: str, row_key: str, exponents: Mapping[str, int]
) -> BothSides | None:
    """The row of a comparison by which an exception is known; None where it has gone.

    Amounts are written in their currency; names, e-mail addresses and tax ids are shown in part.
    """
    sides = _SIDES.get(comparison)
    if sides is None or not exists(con, f"comparison.{comparison}"):
        return None
    found = con.sql(f"from comparison.{comparison} where row_key = ? limit 1", params=[row_key])
    names, rows = found.columns, found.fetchall()
    if not rows:
        return None
    row = zip(names, rows[0], strict=True)
    values = {name: value for name, value in row if not _LEFT_OUT.fullmatch(name)}
    compared = tuple(_compared(values, sides, exponents))
    shared = tuple(
        (_words(name), _shown(name, value, values, exponents))
        for name, value in values.items()
        if _side_of(name, sides) is None and value is not None
    )
    return BothSides(sides, compared, shared)


def _compared(
    values: Mapping[str, Any], sides: tuple[str, ...], exponents: Mapping[str, int]
) -> Iterator[Compared]:
    """What the sides say; ids, which every system gives itself, are no difference."""
    attributes: dict[str, None] = {}
    for name in values:
        if side := _side_of(name, sides):
            attributes[_without(name, side)] = None
    for attribute in attributes:
        own = [_column(side, attribute) for side in sides]
        raw = [values.get(name) for name in own]
        if any(value is not None for value in raw):
            is_on_all = all(name in values for name in own) and not attribute.endswith("id")
            yield Compared(
                _words(attribute),
                tuple(_shown(attribute, value, values, exponents) for value in raw),
                differs=is_on_all and len(set(map(str, raw))) > 1,
            )


def _side_of(name: str, sides: tuple[str, ...]) -> str | None:
    if name == "event_at":  # of the row, also where a side is called event
        return None
    return next(
        (side for side in sides if name.startswith((f"{side}_", f"has_{side}", f"is_{side}_"))),
        None,
    )


def _without(name: str, side: str) -> str:
    return "is there" if name == f"has_{side}" else name.replace(f"{side}_", "", 1)


def _column(side: str, attribute: str) -> str:
    if attribute == "is there":
        return f"has_{side}"
    if attribute.startswith("is_"):
        return f"is_{side}_{attribute.removeprefix('is_')}"
    return f"{side}_{attribute}"


def _words(name: str) -> str:
    return name.removesuffix(_MINOR).replace("_", " ")


def _shown(name: str, value: Any, row: Mapping[str, Any], exponents: Mapping[str, int]) -> str:
    if value is None:
        return ""
    if name.endswith(_MINOR) and isinstance(value, int | Decimal):
        return amount(int(value), _currency(row), exponents)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, date):
        return value.isoformat()
    return _veiled(name, str(value))


def _veiled(name: str, text: str) -> str:
    found = _PERSONAL.search(name)
    if found is None:
        return text
    return masked("tax_id" if found[2] in {"tax_id", "vat"} else "name", text)


def _currency(row: Mapping[str, Any]) -> str:
    """That of the row; where the sides have their own, that of the first one that says it."""
    told = (row[name] for name in row if name == "currency" or name.endswith("_currency"))
    return next((str(each) for each in told if each), "")
