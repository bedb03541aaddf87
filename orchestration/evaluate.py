"""Measure detection against labelled truth: plant drift in a fresh world, run a night, compare.

Ground truth is what the sandbox says it planted, consequences included; a finding is true when
code, attribute and both sides' records agree with a row of it.
"""

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from extractors.sandbox import control
from orchestration.extraction import read_system
from orchestration.night import run_night
from orchestration.scoring import (
    SUBJECT_COLUMNS,
    Evaluation,
    Subject,
    attribution,
    catalogue_order,
    confusion,
    score,
    subject_of,
    words,
)
from orchestration.settings import Settings
from orchestration.worlds.truth import read_truth
from reconcilers.engine import open_warehouse
from reconcilers.rules.base import RECORDING_ROLES, SYSTEM_OF_ROLE
from reconcilers.rules.codes import CODES

DEFAULT_COUNT = 5
# Control faults hit whole objects, and only a few are such that no rule reads them.
STALE = "CTL-STALE-01"
"""The code of a snapshot that is older than it should be; what hangs on it is held back."""
FEWER = {"CTL-CNT-01": 3, STALE: 3}
SCALES = {"small": 300, "medium": 1_000}
"""Billing customers of a company; both have sixteen months of history."""
_HOURS_PER_DAY = 24
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


def parse_plants(plants: Iterable[str], default: int = DEFAULT_COUNT) -> dict[str, int]:
    """Counts per code from `CODE=K` words; `none` starts from nothing planted, not `default`.

    Raises:
        EvaluationError: a word is neither, or names a code that is not implemented.

    """
    words = list(plants)
    usual = {code: min(default, FEWER.get(code, default)) for code in CODES}
    counts = {} if "none" in words else usual
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


def all_fresh(plants: Mapping[str, int]) -> dict[str, int]:
    """Without stale snapshots, which hold back what hangs on them."""
    return {code: count for code, count in plants.items() if code != STALE}


def parse_skew(words: Iterable[str]) -> dict[str, int]:
    """Whole days by system from `ROLE=Nh`: how far its snapshot lies behind the others.

    Raises:
        EvaluationError: no such role, or hours that are not whole days (the sandbox goes by days).

    """
    behind = {}
    for word in words:
        role, _, lag = word.partition("=")
        hours = lag.removesuffix("h")
        if role not in RECORDING_ROLES or not hours.isdigit() or int(hours) % _HOURS_PER_DAY:
            roles = ", ".join(RECORDING_ROLES)
            raise EvaluationError(f"--skew {word}: expected ROLE=24h (48h, ...), of {roles}")
        behind[SYSTEM_OF_ROLE[role]] = int(hours) // _HOURS_PER_DAY
    return behind


@contextmanager
def temporary_world(settings: Settings, seed: int, customers: int) -> Iterator[Settings]:
    """A company of its own in a temporary place, served on loopback until the end."""
    with tempfile.TemporaryDirectory(prefix="tieout-") as folder:
        world = settings.practising_in(Path(folder))
        control.up(world.sandbox_dir, seed=seed, customers=customers)
        try:
            yield world
        finally:
            control.down(world.sandbox_dir)


def evaluate_seed(
    settings: Settings,
    seed: int,
    plants: Mapping[str, int],
    customers: int = SCALES["small"],
    behind: Mapping[str, int] | None = None,
) -> Evaluation:
    """Make a company, plant, run one night, and compare what was found with what is true.

    Raises:
        EvaluationError: the night failed, or a code cannot be planted that often.

    """
    with temporary_world(settings, seed, customers) as world:
        return evaluate_world(world, seed, plants, customers, behind or {})


def evaluate_world(
    world: Settings,
    seed: int,
    plants: Mapping[str, int],
    customers: int,
    behind: Mapping[str, int],
) -> Evaluation:
    """As evaluate_seed, in a company that is there and stays.

    Systems that are `behind` are read so many days before the others, for the same night. That is a
    reading as old as CTL-STALE-01 plants them, which is left out then.
    """
    plant(world, seed, all_fresh(plants) if behind else plants)
    day = reconcilable_day(world) + dt.timedelta(days=max(behind.values(), default=0))
    _read_and_wait(world, behind, day)
    result = run_night(world, day)
    if not result.ok:
        raise EvaluationError(f"the night failed in {result.failed_step}: {result.reason}")
    return compare(world, seed, customers, day, behind=behind)


def plant(world: Settings, seed: int, plants: Mapping[str, int]) -> None:
    """Plant so much of each code in the company that is there.

    Raises:
        EvaluationError: a code cannot be planted that often.

    """
    for number, (code, count) in enumerate(sorted(plants.items())):
        try:
            control.plant(world.sandbox_dir, code, count, seed=seed * 1000 + number)
        except ValueError as error:
            raise EvaluationError(f"cannot plant {code} {count} times: {error}") from error


def _read_and_wait(world: Settings, behind: Mapping[str, int], day: dt.date) -> None:
    """Read each system that is behind when its time has come; the others are left to the night."""
    for left in range(max(behind.values(), default=0), 0, -1):
        for system in sorted(name for name, days in behind.items() if days == left):
            read_system(world, system, day)
        control.advance(world.sandbox_dir, 1)


def reconcilable_day(settings: Settings) -> dt.date:
    """The day that the sandbox's clock has just left behind, in UTC."""
    return (control.status(settings.sandbox_dir).now - dt.timedelta(days=1)).date()


def compare(
    world: Settings,
    seed: int,
    customers: int,
    day: dt.date,
    *,
    behind: Iterable[str] = (),
) -> Evaluation:
    """Score what the warehouse holds as drift against what is true of the world.

    That is what the sandbox says it planted, or what a world says that was written as files.
    Of systems that are `behind` it is true that their snapshots are old, and nothing is missed
    that is held back for it.
    """
    truth = read_truth(world.raw_dir)
    if truth is None:
        truth = control.truth(world.sandbox_dir)
    with open_warehouse(world.warehouse_path) as con:
        found = con.sql(
            f"select disposition = 'exception', code, {', '.join(SUBJECT_COLUMNS)} "
            "from reconciliation.drift"
        ).fetchall()
        broken = con.sql("select count(*) from reconciliation.tieouts where not holds").fetchall()
        blamed = con.sql(_BLAMED).fetchall()
    seen: Counter[Subject] = Counter(words(row) for told, *row in found if told)
    held: Counter[Subject] = Counter(words(row) for told, *row in found if not told and behind)
    real = Counter(subject_of(row) for row in truth)
    for row in seen:
        real[row] += row[0] == STALE and row[2] in behind
    real -= held - seen
    false, missed = seen - real, real - seen
    implied = Counter(row["code"] for row in truth if not row["planted"])
    codes = sorted({*CODES, *(row[0] for row in seen)}, key=catalogue_order)
    return Evaluation(
        seed=seed,
        customers=customers,
        day=day,
        scores=tuple(score(code, seen, real, implied) for code in codes),
        false_rows=tuple(sorted(false.elements())),
        missed_rows=tuple(sorted(missed.elements())),
        tieouts_hold=broken[0][0] == 0,
        held=sum(not told for told, *_ in found),
        attributed=attribution(blamed, truth),
        confusion=confusion(seen, real),
    )
