"""Reads the pairings and their passes; everything that is wrong with the file is told at once."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from reconcilers.match.passes import Amounts, By, Cardinality, Mode, Pairing, Pass, Within

# The search for subsets grows by 2 to the candidates; beyond these it is no longer exact in time.
SUBSET_CANDIDATES, SUBSET_MEMBERS = 16, 6

_KINDS: Mapping[str, type[StrEnum]] = {
    "by": By,
    "mode": Mode,
    "cardinality": Cardinality,
    "within": Within,
    "amounts": Amounts,
}
_NUMBERS = {
    "tolerance_minor": 0,
    "days_before": 0,
    "days_after": 0,
    "max_candidates": 1,
    "max_members": 1,
}
_FIELDS = ("name", *_KINDS, *_NUMBERS)
_NEEDED = ("name", "by", "mode")


class PassesError(ValueError):
    """The file cannot be used; `problems` names every mistake with its pass and field."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def load_pairings(path: Path | None = None) -> tuple[Pairing, ...]:
    """The pairings at `path`, or those that ship with Tieout. Raises PassesError."""
    if path is None:
        source = (files("reconcilers.match") / "passes.toml").read_text(encoding="utf-8")
        return parse_pairings(source, "passes.toml")
    return parse_pairings(path.read_text(encoding="utf-8"), path.name)


def parse_pairings(source: str, name: str) -> tuple[Pairing, ...]:
    """Raises PassesError with all mistakes together."""
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise PassesError([f"{name}: {error}"]) from error
    reader = _Reader(name)
    pairings = tuple(reader.pairings(document))
    if reader.problems:
        raise PassesError(reader.problems)
    return pairings


class _Reader:
    """Walks the document once and collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.problems: list[str] = []
        self._file = file

    def _wrong(self, where: str, what: str) -> None:
        self.problems.append(f"{self._file}: {where}: {what}")

    def pairings(self, document: Mapping[str, Any]) -> Iterator[Pairing]:
        tables = document.get("pairing")
        for key in document.keys() - {"pairing"}:
            self._wrong(key, "unknown; the file consists of [[pairing]] tables")
        if not isinstance(tables, list):
            self._wrong("pairing", "no [[pairing]] table")
            return
        self._unrepeated("pairing", tables)
        for number, table in enumerate(tables, start=1):
            yield self._pairing(table, f"pairing {table.get('name', number)}")

    def _pairing(self, table: Mapping[str, Any], where: str) -> Pairing:
        for key in sorted(table.keys() - {"name", "left", "right", "pass"}):
            self._wrong(where, f"field {key} is unknown")
        texts = {key: table.get(key) for key in ("name", "left", "right")}
        for key, value in texts.items():
            if not isinstance(value, str) or not value.isidentifier():
                self._wrong(where, f"field {key} must be a name, not {value!r}")
        passes = table.get("pass", [])
        if not isinstance(passes, list) or not passes:
            self._wrong(where, "has no [[pairing.pass]]")
            passes = []
        self._unrepeated(where, passes)
        read = [
            self._pass(each, f"{where}, pass {each.get('name', number)}")
            for number, each in enumerate(passes, start=1)
        ]
        named = {key: str(value) for key, value in texts.items()}
        return Pairing(passes=tuple(each for each in read if each is not None), **named)

    def _pass(self, table: Mapping[str, Any], where: str) -> Pass | None:
        before = len(self.problems)
        for key in sorted(table.keys() - set(_FIELDS)):
            self._wrong(where, f"field {key} is unknown; known are {', '.join(_FIELDS)}")
        for key in _NEEDED:
            if key not in table:
                self._wrong(where, f"field {key} is missing")
        values = {key: self._value(where, key, table[key]) for key in _FIELDS if key in table}
        if len(self.problems) > before:
            return None
        made = Pass(**values)
        for field, problem in _contradictions(made):
            self._wrong(where, f"field {field} {problem}")
        return made

    def _value(self, where: str, field: str, value: Any) -> Any:
        if field in _NUMBERS:
            if type(value) is not int or value < _NUMBERS[field]:
                self._wrong(where, f"field {field} must be a whole number from {_NUMBERS[field]}")
            return value
        if field == "name":
            if not isinstance(value, str) or not value:
                self._wrong(where, "field name must be text")
            return value
        kind = _KINDS[field]
        if value not in list(kind):
            self._wrong(where, f"field {field} is {value!r}; it can be {', '.join(kind)}")
            return value
        return kind(value)

    def _unrepeated(self, where: str, tables: list[Mapping[str, Any]]) -> None:
        names = Counter(str(table.get("name")) for table in tables if "name" in table)
        for name, count in names.items():
            if count > 1:
                self._wrong(where, f"the name {name} stands there {count} times")


def _contradictions(made: Pass) -> Iterator[tuple[str, str]]:
    """Fields that do not fit each other, as (field, what is wrong)."""
    if made.by is By.AMOUNT:
        if made.cardinality is not Cardinality.ONE_TO_ONE:
            yield "cardinality", "must be 1:1 where records are matched by their own amount"
        if made.days_before is None or made.days_after is None:
            yield "days_before", "and days_after are needed where only the amount speaks"
        if made.tolerance_minor:
            yield "tolerance_minor", "must be 0 where records are found by equal amounts"
    if made.by in {By.SUM, By.SUBSET} and made.within is Within.ANYWHERE:
        yield "within", "must be party or group where amounts are added up"
    if made.by is not By.REFERENCE and made.by is not By.NUMBER and made.amounts is Amounts.ANY:
        yield "amounts", "can be any only where a reference or number speaks"
    if made.amounts is Amounts.ANY and made.tolerance_minor:
        yield "tolerance_minor", "means nothing where amounts may differ"
    if made.by is By.SUBSET:
        yield from _subset_contradictions(made)


def _subset_contradictions(made: Pass) -> Iterator[tuple[str, str]]:
    if made.cardinality not in {Cardinality.ONE_TO_MANY, Cardinality.MANY_TO_ONE}:
        yield "cardinality", "must be 1:n or n:1 for subsets"
    if made.tolerance_minor:
        yield "tolerance_minor", "must be 0 for subsets"
    if made.max_candidates > SUBSET_CANDIDATES:
        yield "max_candidates", f"must be at most {SUBSET_CANDIDATES} for subsets"
    if made.max_members > SUBSET_MEMBERS:
        yield "max_members", f"must be at most {SUBSET_MEMBERS} for subsets"
