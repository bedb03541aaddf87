"""Measure detection against labelled truth: plant drift in a fresh world, run a night, compare.

Ground truth is what the sandbox says it planted, consequences included; a finding is true when
code, attribute and both sides' records agree with a row of it.
"""

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from extractors.sandbox import control
from orchestration.night import run_night
from orchestration.settings import Settings
from reconcilers.engine import open_warehouse
from reconcilers.rules.codes import CODES

DEFAULT_COUNT = 5
# Control faults hit whole objects, and only a few are such that no rule reads them.
FEWER = {"CTL-CNT-01": 3, "CTL-STALE-01": 3}
_ORDER = {code: place for place, code in enumerate(CODES)}

Subject = tuple[str, str, str, str, str, str]
SUBJECT_COLUMNS = ("attribute", "owner_system", "owner_id", "replica_system", "replica_id")
# Every exception with the owner of what first caused it and its money, in the reporting currency.
_BLAMED = f"""
with recursive blamed as (
    select *, exception_key as cause_key, explained_by as next_key
    from reconciliation.drift where disposition = 'exception'
    union all
    select blamed.* exclude (cause_key, next_key), parent.exception_key, parent.explained_by
    from blamed inner join reconciliation.drift as parent on blamed.next_key = parent.exception_key
)
select blamed.code, {", ".join("blamed." + name for name in SUBJECT_COLUMNS)}, cause.owner_id,
    abs(blamed.impact_reporting_minor)
from blamed inner join reconciliation.drift as cause on blamed.cause_key = cause.exception_key
where blamed.next_key is null
"""


class EvaluationError(Exception):
    """The evaluation could not be carried out; the message says which step failed and why."""


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
    """

    seed: int
    customers: int
    day: dt.date
    scores: tuple[CodeScore, ...]
    false_rows: tuple[Subject, ...]
    missed_rows: tuple[Subject, ...]
    tieouts_hold: bool
    attributed: float

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
            "attributed": self.attributed,
            "codes": [score.as_dict() for score in self.scores],
            "false": [list(row) for row in self.false_rows],
            "missed": [list(row) for row in self.missed_rows],
        }


def parse_plants(plants: Iterable[str]) -> dict[str, int]:
    """Counts per code from `CODE=K` words; `none` starts from nothing planted.

    Raises:
        EvaluationError: a word is neither, or names a code that is not implemented.

    """
    words = list(plants)
    counts = {} if "none" in words else {**dict.fromkeys(CODES, DEFAULT_COUNT), **FEWER}
    for word in words:
        if word == "none":
            continue
        code, _, count = word.partition("=")
        if code not in CODES or not count.isdigit():
            raise EvaluationError(
                f"--plant {word}: expected none, or CODE=K with a code of " + ", ".join(CODES)
            )
        counts[code] = int(count)
    return {code: count for code, count in counts.items() if count}


@contextmanager
def temporary_world(settings: Settings, seed: int, customers: int) -> Iterator[Settings]:
    """A company of its own in a temporary place, served on loopback until the end."""
    with tempfile.TemporaryDirectory(prefix="tieout-") as folder:
        home = Path(folder)
        world = replace(
            settings,
            home=home,
            state_url=f"sqlite:///{home / 'state.db'}",
            connections_override={},
        )
        control.up(world.sandbox_dir, seed=seed, customers=customers)
        try:
            yield world
        finally:
            control.down(world.sandbox_dir)


def evaluate_seed(
    settings: Settings, seed: int, plants: Mapping[str, int], customers: int = 300
) -> Evaluation:
    """Plant, run one night, and compare what was found with what is true.

    Raises:
        EvaluationError: the night failed, or a code cannot be planted that often.

    """
    with temporary_world(settings, seed, customers) as world:
        for number, (code, count) in enumerate(sorted(plants.items())):
            try:
                control.plant(world.sandbox_dir, code, count, seed=seed * 1000 + number)
            except ValueError as error:
                raise EvaluationError(f"cannot plant {code} {count} times: {error}") from error
        day = reconcilable_day(world)
        result = run_night(world, day)
        if not result.ok:
            raise EvaluationError(f"the night failed in {result.failed_step}: {result.reason}")
        return compare(world, seed, customers, day)


def reconcilable_day(settings: Settings) -> dt.date:
    """The day that the sandbox's clock has just left behind, in UTC."""
    return (control.status(settings.sandbox_dir).now - dt.timedelta(days=1)).date()


def compare(world: Settings, seed: int, customers: int, day: dt.date) -> Evaluation:
    """Score what the warehouse holds as drift against what the sandbox says it planted."""
    truth = control.truth(world.sandbox_dir)
    with open_warehouse(world.warehouse_path) as con:
        found = con.sql(
            f"select code, {', '.join(SUBJECT_COLUMNS)} from reconciliation.drift "
            "where disposition = 'exception'"
        ).fetchall()
        broken = con.sql("select count(*) from reconciliation.tieouts where not holds").fetchall()
        blamed = con.sql(_BLAMED).fetchall()
    seen: Counter[Subject] = Counter(_words(row) for row in found)
    real = Counter(_subject(row) for row in truth)
    implied = Counter(row["code"] for row in truth if not row["planted"])
    false, missed = seen - real, real - seen
    codes = sorted({*CODES, *(row[0] for row in seen)}, key=_catalogue_order)
    return Evaluation(
        seed=seed,
        customers=customers,
        day=day,
        scores=tuple(score(code, seen, real, implied) for code in codes),
        false_rows=tuple(sorted(false.elements())),
        missed_rows=tuple(sorted(missed.elements())),
        tieouts_hold=broken[0][0] == 0,
        attributed=attribution(blamed, truth),
    )


def attribution(
    blamed: Iterable[tuple[str | None, ...]], truth: Iterable[Mapping[str, Any]]
) -> float:
    """The share of money whose first cause is the true one; 1.0 where no money is at stake.

    `blamed` are rows of a subject, the owner id of its first cause (its own where nothing explains
    it) and its money.
    """
    causes = {_subject(row): row["caused_by"] or row["owner_id"] for row in truth}
    right = total = 0
    for *subject, cause, minor in blamed:
        total += int(minor or 0)
        right += int(minor or 0) * (causes.get(_words(tuple(subject))) == cause)
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


def _subject(row: Mapping[str, Any]) -> Subject:
    return _words((row["code"], *(row[column] for column in SUBJECT_COLUMNS)))


def _words(values: tuple[Any, ...]) -> Subject:
    """A missing side is an empty word on both lists."""
    code, attribute, owner_system, owner_id, replica_system, replica_id = (
        value or "" for value in values
    )
    return code, attribute, owner_system, owner_id, replica_system, replica_id


def _catalogue_order(code: str) -> tuple[int, str]:
    return _ORDER.get(code, len(_ORDER)), code
