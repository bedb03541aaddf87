"""A labelled company of any size, written straight into a raw zone."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from extractors.registry import READ
from extractors.sandbox import control
from orchestration.evaluate import plant, reconcilable_day, temporary_world
from orchestration.extraction import read_system
from orchestration.settings import Settings
from orchestration.worlds.copies import copy_company
from orchestration.worlds.stencil import MOST_COPIES
from orchestration.worlds.truth import TRUTH_FILE, truth_of_copies

LARGEST_ORIGINAL = 300
"""Customers of the company that is made by the sandbox, and copied for more."""
PLANTED = 1
"""Of each code in each copy, unless told otherwise."""


class WorldError(Exception):
    """The world cannot be written as asked; the message says what to do."""


@dataclass(frozen=True)
class World:
    """What was written for a day. `drifts` counts what is planted and what follows from it."""

    day: dt.date
    copies: int
    records: int
    drifts: int


def write_world(
    settings: Settings, raw: Path, customers: int, seed: int, plants: Mapping[str, int]
) -> World:
    """Write at least so many customers, with drift planted in each copy of the company.

    The company itself is made, served and read as any other; up to LARGEST_ORIGINAL customers that
    is all. The same arguments write the same world.

    Raises:
        WorldError: there is something in the folder, or too many customers are asked for.
        EvaluationError: a code cannot be planted that often.

    """
    original, copies = parts_of(customers)
    if raw.exists() and any(raw.iterdir()):
        raise WorldError(f"{raw} is not empty: a world is written into a raw zone of its own")
    with read_company(settings, seed, original, plants) as (company, day):
        return write_copies(company, raw, day, copies)


def parts_of(customers: int) -> tuple[int, int]:
    """How many customers the sandbox makes, and how many times they are written.

    Raises:
        WorldError: more customers are asked for than a world can have, or none.

    """
    copies = math.ceil(customers / LARGEST_ORIGINAL)
    if not 0 < copies <= MOST_COPIES:
        raise WorldError(f"{customers} customers: expected 1 to {MOST_COPIES * LARGEST_ORIGINAL}")
    return math.ceil(customers / copies), copies


@contextmanager
def read_company(
    settings: Settings, seed: int, customers: int, plants: Mapping[str, int]
) -> Iterator[tuple[Settings, dt.date]]:
    """A company of the sandbox with drift planted, every system read for a day that is over.

    Raises:
        EvaluationError: a code cannot be planted that often.

    """
    with temporary_world(settings, seed, customers) as company:
        plant(company, seed, plants)
        yield company, _read(company)


def read_next_day(company: Settings) -> dt.date:
    """Let a company of the sandbox live on for a day, and read of every system what changed.

    A snapshot that was planted as stale stays so, and what it holds back then is not found.
    """
    control.advance(company.sandbox_dir)
    return _read(company)


def _read(company: Settings) -> dt.date:
    day = reconcilable_day(company)
    for system in READ:
        read_system(company, system, day)
    return day


def write_copies(company: Settings, raw: Path, day: dt.date, copies: int) -> World:
    """Write a company of the sandbox, as it was read for a day, so many times."""
    manifests = copy_company(company.raw_dir, raw, day, copies)
    truth = truth_of_copies(control.truth(company.sandbox_dir), copies)
    truth.write_parquet(raw / TRUTH_FILE)
    return World(day, copies, sum(manifest.landed for manifest in manifests), truth.height)
