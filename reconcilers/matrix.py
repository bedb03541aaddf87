"""What the rules read of the matrix: who owns an attribute, who copies it, what is equal.

Rows that no comparison reads yet are in ownership.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reconcilers.edited_csv import Row
from reconcilers.ownership import sound_rows

Subject = tuple[str, str, frozenset[str]]  # comparison, attribute, the two sides


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
    valid_to: date | None
    why: str

    @property
    def owner_column(self) -> str:
        return self._column(self.owner)

    @property
    def replica_column(self) -> str:
        return self._column(self.replica)

    @property
    def subject(self) -> Subject:
        """What the row is about; a later valid_from replaces an earlier row of the same subject.

        The two sides may change parts: the owner of yesterday is the copy of today.
        """
        return (self.comparison, self.attribute, frozenset({self.owner, self.replica}))

    def _column(self, role: str) -> str:
        suffix = "_minor" if self.comparator == "money" else ""
        return f"{role}_{self.attribute}{suffix}"


def load_matrix(path: str | Path) -> tuple[FieldRule, ...]:
    """The compared rows of system_of_record.csv.

    Raises MatrixError that lists every mistake of the whole file with its line and column.
    """
    rows = [row for _, row in sound_rows(Path(path))]
    return tuple(_typed(row) for row in rows if row["status"] == "compared")


def in_force(matrix: Iterable[FieldRule], day: date | None = None) -> list[FieldRule]:
    """Per subject the row with the latest valid_from that is not after the day, unless it ended.

    Without a day the latest rows, ended or not.
    """
    chosen: dict[Subject, FieldRule] = {}
    for row in matrix:
        before = chosen.get(row.subject)
        is_valid = day is None or row.valid_from <= day
        if is_valid and (before is None or row.valid_from > before.valid_from):
            chosen[row.subject] = row
    return [
        row for row in chosen.values() if day is None or row.valid_to is None or day <= row.valid_to
    ]


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
        valid_to=date.fromisoformat(cell["valid_to"]) if cell["valid_to"] else None,
        why=cell["why"],
    )
