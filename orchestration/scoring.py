"""How what a night found fares against what is true of the world."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reconcilers.rules.codes import CODES

NOTHING = "nothing"
_ORDER = {code: place for place, code in enumerate(CODES)}

Subject = tuple[str, str, str, str, str, str]
SUBJECT_COLUMNS = ("attribute", "owner_system", "owner_id", "replica_system", "replica_id")


@dataclass(frozen=True)
class CodeScore:
    """How one drift code fared. `implied` are true drifts that another plant brought about."""

    code: str
    planted: int
    implied: int
    found: int
    true: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        return self.true / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        expected = self.true + self.missed
        return self.true / expected if expected else 1.0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "precision": self.precision, "recall": self.recall}


@dataclass(frozen=True)
class Evaluation:
    """Scores per code, with the rows that were wrong, for whoever has to explain them.

    `attributed` is the share of the exceptions' money that hangs on what truly caused it.
    `confusion` has, for each code of the truth, which codes were told of its records how often:
    `nothing` is what was missed, and under `nothing` is what was told of records without drift.
    """

    seed: int
    customers: int
    day: dt.date
    scores: tuple[CodeScore, ...]
    false_rows: tuple[Subject, ...]
    missed_rows: tuple[Subject, ...]
    tieouts_hold: bool
    held: int  # findings that are in flight or unproven, and told nobody yet
    attributed: float
    confusion: Mapping[str, Mapping[str, int]]

    @property
    def perfect(self) -> bool:
        return not self.false_rows and not self.missed_rows and self.tieouts_hold

    def as_dict(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "customers": self.customers,
            "day": self.day.isoformat(),
            "perfect": self.perfect,
            "tieouts_hold": self.tieouts_hold,
            "held": self.held,
            "attributed": self.attributed,
            "confusion": self.confusion,
            "codes": [score.as_dict() for score in self.scores],
            "false": [list(row) for row in self.false_rows],
            "missed": [list(row) for row in self.missed_rows],
        }


def attribution(
    blamed: Iterable[tuple[str | None, ...]], truth: Iterable[Mapping[str, Any]]
) -> float:
    """The share of money whose first cause is the true one; 1.0 where no money is at stake.

    `blamed` are rows of a subject, the owner id of its first cause (its own where nothing explains
    it) and its money.
    """
    causes = {subject_of(row): row["caused_by"] or row["owner_id"] for row in truth}
    right = total = 0
    for *subject, cause, minor in blamed:
        total += int(minor or 0)
        right += int(minor or 0) * (causes.get(words(tuple(subject))) == cause)
    return right / total if total else 1.0


def score(
    code: str, seen: Counter[Subject], real: Counter[Subject], implied: Counter[str]
) -> CodeScore:
    def of(rows: Counter[Subject]) -> int:
        return sum(count for row, count in rows.items() if row[0] == code)

    true = of(seen & real)
    return CodeScore(
        code=code,
        planted=of(real) - implied[code],
        implied=implied[code],
        found=of(seen),
        true=true,
        false=of(seen) - true,
        missed=of(real) - true,
    )


def confusion(seen: Counter[Subject], real: Counter[Subject]) -> dict[str, dict[str, int]]:
    """How often each true code was told by which code, record by record (see Evaluation)."""
    told: dict[str, Counter[str]] = {}
    for row in (seen & real).elements():
        told.setdefault(row[0], Counter())[row[0]] += 1
    false = sorted((seen - real).elements())
    for row in sorted((real - seen).elements()):
        instead = next((other for other in false if _share_a_record(other, row)), None)
        if instead is not None:
            false.remove(instead)
        told.setdefault(row[0], Counter())[NOTHING if instead is None else instead[0]] += 1
    for row in false:
        told.setdefault(NOTHING, Counter())[row[0]] += 1
    return {code: dict(told[code]) for code in sorted(told, key=catalogue_order)}


def _share_a_record(one: Subject, other: Subject) -> bool:
    """Whether a record stands on both, as owner or as replica."""
    return bool({one[2:4], one[4:6]} & {other[2:4], other[4:6]} - {("", "")})


def subject_of(row: Mapping[str, Any]) -> Subject:
    return words((row["code"], *(row[column] for column in SUBJECT_COLUMNS)))


def words(values: Sequence[Any]) -> Subject:
    """A missing side is an empty word on both lists."""
    code, attribute, owner_system, owner_id, replica_system, replica_id = (
        value or "" for value in values
    )
    return code, attribute, owner_system, owner_id, replica_system, replica_id


def catalogue_order(code: str) -> tuple[int, str]:
    return _ORDER.get(code, len(_ORDER)), code
