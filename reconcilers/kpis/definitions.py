"""What each key figure means, read from the one place where it is written: the seed kpis."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SEED = Path(__file__).parents[2] / "dbt_project" / "seeds" / "kpis.csv"
UNITS = ("share", "count", "money", "days", "seconds", "per_hour")
DIRECTIONS = ("up", "down", "zero", "none")
SECTIONS = {
    "completeness": "Completeness and coverage",
    "backlog": "Exceptions",
    "money": "Money",
    "corrections": "Corrections",
    "flow": "Flow",
}


@dataclass(frozen=True)
class Definition:
    """One key figure: numerator over denominator, or the numerator alone where that is empty.

    `direction` is which way is good. What has `not_measured` has no value, for that reason.
    """

    code: str
    section: str
    name: str
    unit: str
    direction: str
    numerator: str
    denominator: str
    dimensions: tuple[str, ...]
    pitfall: str
    not_measured: str

    @property
    def formula(self) -> str:
        return f"{self.numerator} / {self.denominator}" if self.denominator else self.numerator


@cache
def load_definitions(path: Path = SEED) -> Mapping[str, Definition]:
    """All figures by code, in the order of the file.

    Raises ValueError that names the row where a section, unit or direction is not known.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        found = {row["code"]: _definition(row) for row in csv.DictReader(lines)}
    for each in found.values():
        for value, known in (
            (each.section, tuple(SECTIONS)),
            (each.unit, UNITS),
            (each.direction, DIRECTIONS),
        ):
            if value not in known:
                raise ValueError(f"{path.name}, {each.code}: {value!r} is not one of {known}")
    return found


def _definition(row: Mapping[str, str]) -> Definition:
    dimensions = tuple(filter(None, row["dimensions"].split("|")))
    return Definition(**{**row, "dimensions": dimensions})  # type: ignore[arg-type]
