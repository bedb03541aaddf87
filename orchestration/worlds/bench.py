"""How long a night takes on a world of some size, step by step, and whether it finds the truth."""

import datetime as dt
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

from orchestration.evaluate import EvaluationError, all_fresh, compare
from orchestration.night import run_night
from orchestration.progress import listening
from orchestration.settings import Settings
from orchestration.worlds.world import (
    World,
    parts_of,
    read_company,
    read_next_day,
    write_copies,
)

_EVERY_SECONDS = 0.2
_PAGE = resource.getpagesize()


@dataclass(frozen=True)
class Stage:
    """A step of a night; memory is that of this process and those it started, at most."""

    step: str
    seconds: float
    cpu_seconds: float
    peak_gigabytes: float


@dataclass(frozen=True)
class NightBench:
    """A world and its night. `is_perfect`: exactly the truth was found, and all tie-outs hold."""

    customers: int
    world: World
    stages: tuple[Stage, ...]
    is_perfect: bool
    false: int
    missed: int

    @property
    def cpu_seconds(self) -> float:
        """Of all its steps; reading costs nothing, for the systems were read before."""
        return sum(stage.cpu_seconds for stage in self.stages)

    def of(self, first: Self) -> dict[str, float]:
        """What was read, and what it took, as shares of the first night."""
        return {
            "records": self.world.records / first.world.records,
            "cpu_seconds": self.cpu_seconds / first.cpu_seconds,
        }

    def as_dict(self) -> dict[str, Any]:
        seconds = sum(stage.seconds for stage in self.stages)
        return {
            "customers": self.customers,
            **asdict(self.world),
            "day": self.world.day.isoformat(),
            "seconds": seconds,
            "cpu_seconds": self.cpu_seconds,
            "peak_gigabytes": max(stage.peak_gigabytes for stage in self.stages),
            "records_per_second": self.world.records / seconds,
            "stages": [asdict(stage) for stage in self.stages],
            "perfect": self.is_perfect,
            "false": self.false,
            "missed": self.missed,
        }


def bench_nights(
    settings: Settings, customers: int, seed: int, plants: Mapping[str, int], nights: int = 1
) -> tuple[NightBench, ...]:
    """Write a world into a temporary place and reconcile it there, night after night.

    The first night loads all there is, each later one what a day changed. No system is planted as
    stale where there is one: it would hold back what is told of it.

    Raises:
        EvaluationError: a night failed, or a code cannot be planted that often.
        WorldError: too many customers are asked for.

    """
    original, _ = parts_of(customers)
    fit = plants if nights == 1 else all_fresh(plants)
    with (
        tempfile.TemporaryDirectory(prefix="tieout-bench-") as folder,
        read_company(settings, seed, original, fit) as (company, day),
    ):
        large = settings.practising_in(Path(folder))
        days = chain([day], (read_next_day(company) for _ in range(1, nights)))
        return tuple(bench_copies(company, large, day, customers, seed) for day in days)


def bench_copies(
    company: Settings, large: Settings, day: dt.date, customers: int, seed: int
) -> NightBench:
    """Write a day of a company as that of so many customers, and reconcile it there.

    Raises:
        EvaluationError: the night failed.
        WorldError: too many customers are asked for.

    """
    world = write_copies(company, large.raw_dir, day, parts_of(customers)[1])
    stages = measured_night(large, day)
    found = compare(large, seed, customers, day)
    return NightBench(
        customers, world, stages, found.perfect, len(found.false_rows), len(found.missed_rows)
    )


def measured_night(settings: Settings, day: dt.date) -> tuple[Stage, ...]:
    """One night in this process, and what each of its steps took.

    Raises:
        EvaluationError: it failed.

    """
    stages: list[Stage] = []
    begun: dict[str, tuple[float, float]] = {}

    def note(step: str, event: str) -> None:
        now = time.perf_counter(), _cpu_seconds()
        if event == "STEP_START":
            begun[step] = now
            memory.peak = 0
        elif event == "STEP_SUCCESS":
            wall, cpu = (after - before for after, before in zip(now, begun[step], strict=True))
            stages.append(Stage(step, wall, cpu, memory.peak / 1024**3))

    with _watched_memory() as memory, listening(note):
        result = run_night(settings, day)
    if not result.ok:
        raise EvaluationError(f"the night failed in {result.failed_step}: {result.reason}")
    return tuple(stages)


@dataclass
class _Memory:
    peak: int = 0  # bytes


@contextmanager
def _watched_memory() -> Iterator[_Memory]:
    memory, done = _Memory(), threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY_SECONDS):
            memory.peak = max(memory.peak, sum(map(_resident, _family(Path("/proc/self")))))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        done.set()
        watcher.join()


def _family(process: Path) -> Iterator[Path]:
    """A process and all that it started and that still run, as folders of /proc."""
    yield process
    for children in process.glob("task/*/children"):
        try:
            pids = children.read_text().split()
        except OSError:
            continue
        for pid in pids:
            yield from _family(Path("/proc") / pid)


def _resident(process: Path) -> int:
    try:
        return int((process / "statm").read_text().split()[1]) * _PAGE
    except OSError:  # it has ended meanwhile
        return 0


def _cpu_seconds() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)
