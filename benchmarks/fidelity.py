"""Whether a full extraction lands exactly the rows of its sources, whatever happens on the way.

`python -m benchmarks.fidelity --seed 3 --profile chaos --kills 5` builds a company, lets the wire
misbehave (`extractors/sandbox/faults.py`), kills the extracting process at random steps, starts it
again until it is done, and compares what landed with the books of the sandbox, row by row.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from extractors.registry import CONNECTORS
from extractors.sandbox import control
from extractors.sandbox.faults import CHAOS, LONGEST_LAG, OFF
from extractors.sandbox.schema import System
from extractors.sandbox.servers import SYSTEMS
from tests.peers.company import Company, filled_company, serving_company
from tests.peers.environments import run_tieout

PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Trial:
    """What is tried, on a company of so many customers, or a plain one of so many records.

    `chunk_rows` and `bulk_rows` make a small company spill, note, and be read by query jobs as a
    large one does.
    """

    systems: tuple[System, ...] = SYSTEMS
    seed: int = 1
    profile: str = OFF
    kills: int = 0
    customers: int = 30
    months: int = 8
    records: int | None = None
    chunk_rows: int = 100
    bulk_rows: int = 1_000

    def company(self, home: Path) -> AbstractContextManager[Company]:
        if self.records is not None:
            return filled_company(home, self.records, self.seed)
        return serving_company(home, self.customers, self.months, self.seed)


@dataclass(frozen=True)
class Compared:
    """One object on both sides of the wire: rows, digests of all values, columns that differ."""

    system: str
    object: str
    source_rows: int
    landed_rows: int
    source_digest: str
    landed_digest: str
    differing: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return self.source_digest == self.landed_digest


@dataclass(frozen=True)
class Verdict:
    """What came of a trial. `calls` is what the servers were asked, by all the processes."""

    trial: Trial
    objects: list[Compared]
    calls: int
    calls_in_good_weather: int
    faults: Mapping[str, int]
    deaths: int

    @property
    def ok(self) -> bool:
        return all(each.ok for each in self.objects)


def undergo(trial: Trial, home: Path) -> Verdict:
    """Extract everything from a company in `home`, through faults and deaths, and compare."""
    chance = Random(f"{trial.seed}:kills")
    with trial.company(home / "company") as company:
        with company.store() as store:
            # A replica that lags shows all that is older than its lag.
            store.advance_clock(LONGEST_LAG)
        task = company.extraction(
            home / "raw",
            *trial.systems,
            chunk_rows=trial.chunk_rows,
            bulk_rows=trial.bulk_rows,
            fuse=True,
        )
        # A run in good weather tells how many steps there are. Each life is shorter than its share
        # of them, so that there is always something left to be killed at.
        calm = run_tieout(task | {"raw": str(home / "calm")}, seconds=PATIENCE_SECONDS)
        before = control.stats(company.home, reset=True)
        control.set_faults(company.home, trial.profile, trial.systems, trial.seed)
        deaths = 0
        longest_life = max(calm["steps"] // max(trial.kills, 1), 1)
        for _ in range(trial.kills):
            dying = task | {"die_after": chance.randint(1, longest_life)}
            deaths += run_tieout(dying, seconds=PATIENCE_SECONDS) is None
        run_tieout(task, seconds=PATIENCE_SECONDS)
        after = control.stats(company.home)
        return Verdict(
            trial=trial,
            objects=_compared(company, trial.systems, home / "raw"),
            calls=sum(told["calls"] for told in after.values()),
            calls_in_good_weather=sum(told["calls"] for told in before.values()),
            faults=sum((Counter(told["faults"]) for told in after.values()), Counter()),
            deaths=deaths,
        )


def _compared(company: Company, systems: Iterable[System], raw: Path) -> list[Compared]:
    return [
        _compare(
            system, name, company.kept_rows(system, name), company.landed_rows(system, name, raw)
        )
        for system in systems
        for name in CONNECTORS[system].objects
    ]


def _compare(system: System, name: str, kept: pl.DataFrame, landed: pl.DataFrame) -> Compared:
    told = landed.select(kept.columns)
    if kept.height == told.height:
        for item in CONNECTORS[system].objects[name].fields:
            if item.kind == "json" and item.column in kept.columns:
                kept, told = _as_far_as_told(item.column, kept, told)
    differing = [column for column in kept.columns if not kept[column].equals(told[column])]
    return Compared(
        system, name, kept.height, told.height, _digest(kept), _digest(told), tuple(differing)
    )


def _as_far_as_told(
    column: str, kept: pl.DataFrame, landed: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """JSON of both sides in one form, without what the books leave to be looked up elsewhere."""
    texts = []
    for ours, theirs in zip(kept[column], landed[column], strict=True):
        expected = json.loads(ours or "null")
        seen = _pruned(json.loads(theirs or "null"), expected)
        texts.append([json.dumps(value, sort_keys=True) for value in (expected, seen)])
    sides = ([text[side] for text in texts] for side in range(2))
    return tuple(
        frame.with_columns(pl.Series(column, side, pl.String))
        for frame, side in zip((kept, landed), sides, strict=True)
    )


def _pruned(value: Any, shape: Any) -> Any:
    """The value with the keys that the shape has."""
    if isinstance(value, dict) and isinstance(shape, dict):
        return {key: _pruned(value[key], shape[key]) for key in shape if key in value}
    if isinstance(value, list) and isinstance(shape, list) and len(value) == len(shape):
        return [_pruned(*pair) for pair in zip(value, shape, strict=True)]
    return value


def _digest(rows: pl.DataFrame) -> str:
    return hashlib.sha256(rows.write_csv().encode()).hexdigest()


def show(verdict: Verdict) -> None:
    """A row per object; what is wrong stands out."""
    trial = verdict.trial
    title = f"seed {trial.seed}, {trial.profile}, {verdict.deaths} deaths of {trial.kills}"
    table = Table(title=title)
    table.add_column("object", overflow="fold")
    for heading in ("source", "landed", "source hash", "landed hash"):
        table.add_column(heading, no_wrap=True)
    table.add_column("", overflow="fold")
    for each in verdict.objects:
        table.add_row(
            f"{each.system}.{each.object}",
            f"{each.source_rows:,}",
            f"{each.landed_rows:,}",
            each.source_digest[:10],
            each.landed_digest[:10],
            "ok" if each.ok else f"[red]not ok[/red]: {', '.join(each.differing)}",
        )
    console = Console()
    console.print(table)
    faults = ", ".join(f"{count} {name}" for name, count in sorted(verdict.faults.items()))
    console.print(
        f"{verdict.calls} calls ({verdict.calls_in_good_weather} in good weather), "
        f"faults met: {faults or 'none'}"
    )
    console.print("[green]ok[/green]" if verdict.ok else "[red]not ok[/red]")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fidelity", description=__doc__)
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="all, if none is named")
    parser.add_argument("--seed", type=int, default=Trial.seed)
    parser.add_argument("--profile", default=CHAOS, help="as in extractors/sandbox/faults.py")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--customers", type=int, default=Trial.customers)
    parser.add_argument("--months", type=int, default=Trial.months)
    parser.add_argument("--records", type=int, help="a plain company of so many records")
    parser.add_argument("--chunk-rows", type=int, default=Trial.chunk_rows)
    asked = vars(parser.parse_args())
    systems = tuple(asked.pop("system") or SYSTEMS)
    with tempfile.TemporaryDirectory() as home:
        verdict = undergo(Trial(systems, **asked), Path(home))
    show(verdict)
    sys.exit(not verdict.ok)


if __name__ == "__main__":
    main()
