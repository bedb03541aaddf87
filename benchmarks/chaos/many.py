"""Plays many seeds in several processes, each with a company of its own."""

import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos.company import Template, make_template
from benchmarks.chaos.play import Result, Stage
from benchmarks.chaos.sabotage import broken

CHUNK = 10
SHOWN = 3


@dataclass
class Tally:
    """What many seeds came to."""

    seeds: int = 0
    calls: int = 0
    steps: int = 0
    overrun: int = 0
    states: Counter[str] = field(default_factory=Counter)
    failed: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.calls += result.calls
        self.steps += result.steps
        self.overrun += result.overrun
        self.states.update(result.states)
        if result.breaches:
            self.failed.append(result)


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage with a company of its own, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as made, _folder() as own:
        yield Stage(make_template(Path(made)), own)


@contextmanager
def _folder() -> Iterator[Path]:
    """In memory where the machine has such a place: every seed writes the company anew."""
    memory = "/dev/shm"  # noqa: S108
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=place) as made:
        yield Path(made)


def play_many(seeds: Sequence[int], break_: str | None, workers: int) -> Tally:
    """Play seeds side by side; stops at the first that fails where the dispatcher is broken."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="chaos-") as made:
        template = make_template(Path(made))
        processes = multiprocessing.get_context("spawn")
        chunks = [(template, seeds[at : at + CHUNK], break_) for at in range(0, len(seeds), CHUNK)]
        with processes.Pool(workers) as pool:
            for results in pool.imap(_play_chunk, chunks):
                for result in results:
                    tally.add(result)
                if tally.failed and (break_ or len(tally.failed) >= SHOWN):
                    pool.terminate()
                    break
    return tally


def _play_chunk(task: tuple[Template, Sequence[int], str | None]) -> list[Result]:
    template, seeds, break_ = task
    with _folder() as folder, broken(break_):
        stage = Stage(template, folder)
        try:
            return [stage.play(seed) for seed in seeds]
        finally:
            stage.state.close()
