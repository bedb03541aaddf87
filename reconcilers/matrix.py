"""The system-of-record matrix, typed: who owns an attribute, who copies it, what is equal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandera.polars as pa

from reconcilers.edited_csv import (
    EditedFileError,
    Mistake,
    NumberedRow,
    Row,
    one_of,
    read_checked,
)
from reconcilers.rules.base import SYSTEM_OF_ROLE
from reconcilers.rules.comparators import COMPARATORS
from reconcilers.rules.comparison import BY_NAME, CONTROL

# Classes that a row of the matrix may name; what each means beyond "differs" is in rules/field.py.
FIELD_CODES = (
    "CON-AMT-01",
    "CUS-ATTR-01",
    "INV-AMT-01",
    "INV-STAT-01",
    "SUB-QTY-01",
    "SUB-STAT-01",
)
# OWN owner overwrites copies; PAPER signed document decides; LATEST newest write; UNION all of
# them; CALC recomputed; FROZEN never changed after issue, only corrected additively.
CONFLICT_RULES = ("OWN", "PAPER", "LATEST", "UNION", "CALC", "FROZEN")

_ROLES = tuple(SYSTEM_OF_ROLE)
_COMPARISONS = tuple(name for name in BY_NAME if name != CONTROL.name)
_WITH_TOLERANCE = ("money", "ratio")
_NUMBER = r"^\d+$"
_DATE = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"


@dataclass(frozen=True)
class FieldRule:
    """One attribute, its owner and one replica. Money is in minor units, ratio in basis points."""

    entity: str
    attribute: str
    comparison: str
    owner: str
    replica: str
    drift_code: str
    comparator: str
    tolerance: int
    is_per_line: bool
    tolerance_cap: int | None
    grace_hours: int
    conflict_rule: str
    valid_from: date
    why: str

    @property
    def owner_column(self) -> str:
        return self._column(self.owner)

    @property
    def replica_column(self) -> str:
        return self._column(self.replica)

    @property
    def subject(self) -> tuple[str, str, str, str]:
        """What the row is about; a later valid_from replaces an earlier row of the same subject."""
        return (self.comparison, self.attribute, self.owner, self.replica)

    def _column(self, role: str) -> str:
        suffix = "_minor" if self.comparator == "money" else ""
        return f"{role}_{self.attribute}{suffix}"


class MatrixError(EditedFileError):
    """The matrix cannot be used; `mistakes` holds all that is wrong with it."""


def _whole_number(*, nullable: bool = True) -> pa.Column:
    check = pa.Check.str_matches(_NUMBER, error="must be a whole number, 0 or more")
    return pa.Column(str, check, nullable=nullable)


_name = pa.Check.str_matches(r"^[a-z][a-z0-9_]*$", error="must be lower case with underscores")

_SCHEMA = pa.DataFrameSchema(
    {
        "entity": pa.Column(str, _name),
        "attribute": pa.Column(str, _name),
        "comparison": one_of(_COMPARISONS),
        "owner": one_of(_ROLES),
        "replica": one_of(_ROLES),
        "drift_code": one_of(FIELD_CODES),
        "comparator": one_of(tuple(COMPARATORS)),
        "tolerance_minor": _whole_number(),
        "tolerance_per": pa.Column(
            str, pa.Check.isin(["line"], error="must be 'line' or empty"), nullable=True
        ),
        "tolerance_cap_minor": _whole_number(),
        "grace_hours": _whole_number(nullable=False),
        "conflict_rule": one_of(CONFLICT_RULES),
        "valid_from": pa.Column(str, pa.Check.str_matches(_DATE, error="must be YYYY-MM-DD")),
        "why": pa.Column(str),
    },
    strict=True,
)


def load_matrix(path: str | Path) -> tuple[FieldRule, ...]:
    """Read system_of_record.csv.

    Raises MatrixError that lists every mistake with its line and column.
    """
    file = Path(path)
    try:
        numbered = read_checked(file, _SCHEMA)
    except EditedFileError as error:
        raise MatrixError(file, error.mistakes) from error
    mistakes = _row_mistakes(numbered)
    if mistakes:
        raise MatrixError(file, mistakes)
    return tuple(_typed(row) for _, row in numbered)


def in_force(matrix: Iterable[FieldRule], day: date | None = None) -> list[FieldRule]:
    """Per subject the row with the latest valid_from that is not after the day."""
    chosen: dict[tuple[str, str, str, str], FieldRule] = {}
    for row in matrix:
        before = chosen.get(row.subject)
        is_valid = day is None or row.valid_from <= day
        if is_valid and (before is None or row.valid_from > before.valid_from):
            chosen[row.subject] = row
    return list(chosen.values())


def _row_mistakes(numbered: Sequence[NumberedRow]) -> list[Mistake]:
    mistakes: list[Mistake] = []
    seen: dict[tuple[object, ...], int] = {}
    for line, row in numbered:
        mistakes += [Mistake(line, column, message) for column, message in _contradictions(row)]
        key = (
            *(row[name] for name in ("comparison", "attribute", "owner", "replica")),
            row["valid_from"],
        )
        if key in seen:
            mistakes.append(Mistake(line, "attribute", f"says again what line {seen[key]} says"))
        seen.setdefault(key, line)
    return mistakes


def _contradictions(row: Row) -> list[tuple[str, str]]:
    """What no single cell shows, as (column, message)."""
    found = []
    sides = BY_NAME[row["comparison"] or ""].sides
    if row["owner"] == row["replica"]:
        found.append(("replica", "is the owner itself"))
    found += [
        (name, f"{row[name]} is no side of {row['comparison']}")
        for name in ("owner", "replica")
        if row[name] not in sides
    ]
    has_tolerance = row["comparator"] in _WITH_TOLERANCE
    if has_tolerance and row["tolerance_minor"] is None:
        found.append(("tolerance_minor", f"must be given for {row['comparator']}"))
    if not has_tolerance and int(row["tolerance_minor"] or 0) != 0:
        found.append(("tolerance_minor", f"has no meaning for {row['comparator']}"))
    if row["tolerance_cap_minor"] is not None and row["tolerance_per"] is None:
        found.append(("tolerance_cap_minor", "has no meaning without tolerance_per"))
    if row["comparator"] == "ratio" and row["tolerance_per"] is not None:
        found.append(("tolerance_per", "has no meaning for ratio"))
    try:
        date.fromisoformat(row["valid_from"] or "")
    except ValueError as error:
        found.append(("valid_from", str(error)))
    return found


def _typed(row: Row) -> FieldRule:
    cell = {name: value or "" for name, value in row.items()}
    cap = cell["tolerance_cap_minor"]
    return FieldRule(
        entity=cell["entity"],
        attribute=cell["attribute"],
        comparison=cell["comparison"],
        owner=cell["owner"],
        replica=cell["replica"],
        drift_code=cell["drift_code"],
        comparator=cell["comparator"],
        tolerance=int(cell["tolerance_minor"] or 0),
        is_per_line=cell["tolerance_per"] == "line",
        tolerance_cap=int(cap) if cap else None,
        grace_hours=int(cell["grace_hours"]),
        conflict_rule=cell["conflict_rule"],
        valid_from=date.fromisoformat(cell["valid_from"]),
        why=cell["why"],
    )
