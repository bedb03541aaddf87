"""How fast a first load is beside other software, and how little a small change costs.

Run by `make bench-extract`: one run on one server, which keeps to the vendors' page sizes and
limits and answers late, as a wire does. Prints tables, writes `data/bench/extract.json`, and fails
where a target is missed.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.peers_racers import LONGEST_SECONDS, Finish, Racer, racers
from extractors.sandbox import control, volume
from extractors.sandbox.limits import Limits, vendor_limits
from extractors.sandbox.schema import System
from extractors.sandbox.servers import SYSTEMS
from orchestration.settings import load_settings
from tests.peers.company import Company, filled_company
from tests.peers.environments import run_tieout

TIMES = 3.0
SHARE_OF_LIMIT = 0.85
SHARE_OF_CALLS = 0.03
CHANGED = 0.01


@dataclass(frozen=True)
class Lap:
    """One racer's way over the server, as it told of its rows and the server of its calls."""

    racer: str
    system: System
    is_tuned: bool
    rows: int
    seconds: float
    governed_seconds: float
    calls: int
    refused: int
    most_in_flight: int
    service_seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


@dataclass(frozen=True)
class Night:
    """Tieout's extraction of all systems side by side: rows, seconds, calls by system."""

    rows: int
    seconds: float
    calls: Mapping[System, int]

    @property
    def all_calls(self) -> int:
        return sum(self.calls.values())


@dataclass(frozen=True)
class Goal:
    """One target, what was measured, and whether that is good enough."""

    name: str
    wanted: str
    measured: float
    met: bool


def share_of_limit(lap: Lap, limits: Limits) -> float | None:
    """How much of what the server allows was used from the first call that it limits to the last.

    A rate is used up by calls, a number of calls at a time by the seconds that the server spends
    on them. None where nothing limits: a few calls of many rows, of which 25 may go on at a time.
    """
    if limits.reads_per_second is not None:
        return (lap.calls - lap.refused) / (limits.reads_per_second * lap.governed_seconds)
    if lap.system == "salesforce":
        return None
    assert limits.concurrency is not None
    return lap.service_seconds / (limits.concurrency * lap.governed_seconds)


def whole_limits(limits: Limits) -> dict[str, float]:
    """Options for a reader that has an account to itself: nothing is left to other programs."""
    allowed = {"concurrency": limits.concurrency, "per_second": limits.reads_per_second}
    return {name: value for name, value in allowed.items() if value is not None}


def race(
    company: Company, limits: Mapping[System, Limits], systems: list[System]
) -> tuple[list[Lap], list[str]]:
    """Every racer's lap, and what two of them saw differently."""
    laps: list[Lap] = []
    quarrels: list[str] = []
    for system in systems:
        ours: Finish | None = None
        for racer in racers(system, whole_limits(limits[system])):
            finish, lap = _run(company, racer)
            laps.append(lap)
            ours = ours or finish
            quarrels += [
                f"{racer.name} and Tieout read different rows of {system}.{name}"
                for name, seen in finish.objects.items()
                if seen["digest"] != ours.objects[name]["digest"]
            ]
    return laps, quarrels


def _run(company: Company, racer: Racer) -> tuple[Finish, Lap]:
    control.stats(company.home, reset=True)
    with tempfile.TemporaryDirectory() as folder:
        finish = racer.run(company, Path(folder))
    told = control.stats(company.home)[racer.system]
    lap = Lap(
        racer.name,
        racer.system,
        racer.is_tuned,
        finish.rows,
        finish.seconds,
        told["governed_seconds"],
        told["calls"],
        sum(told["refused_by_limit"].values()),
        told["max_in_flight"],
        told["service_seconds"],
    )
    return finish, lap


def two_nights(company: Company, systems: list[System], raw: Path) -> tuple[Night, Night]:
    """A full load, and the night after a day on which one record in a hundred changed."""
    first = _night(company, systems, raw)
    with company.store() as store:
        volume.touch(store, CHANGED)
    return first, _night(company, systems, raw)


def _night(company: Company, systems: list[System], raw: Path) -> Night:
    control.stats(company.home, reset=True)
    answer = run_tieout(company.extraction(raw, *systems), seconds=LONGEST_SECONDS)
    told = control.stats(company.home)
    rows = sum(
        each["rows"] for one in answer["systems"].values() for each in one["objects"].values()
    )
    return Night(rows, answer["seconds"], {system: told[system]["calls"] for system in systems})


def goals(
    laps: list[Lap], nights: tuple[Night, Night], limits: Mapping[System, Limits]
) -> list[Goal]:
    """What has to hold, and whether it does. Tuned peers are shown and not judged by."""
    judged = []
    fastest_laps = []
    for system in dict.fromkeys(lap.system for lap in laps):
        ours, *peers = [lap for lap in laps if lap.system == system and not lap.is_tuned]
        fastest = max(peers, key=lambda lap: lap.rows_per_second)
        fastest_laps.append(fastest)
        share = share_of_limit(ours, limits[system])
        if share is not None:
            times = ours.rows_per_second / fastest.rows_per_second
            judged += [
                _at_least(f"{system}: rows/s beside {fastest.racer}", times, TIMES, "x"),
                _at_least(f"{system}: share of what its limits allow", share, SHARE_OF_LIMIT),
            ]
    full, delta = nights
    apart = sum(lap.seconds for lap in fastest_laps) / sum(lap.rows for lap in fastest_laps)
    times = apart * full.rows / full.seconds
    judged.append(
        _at_least("all systems: rows/s beside the fastest peers in turn", times, TIMES, "x")
    )
    share = delta.all_calls / full.all_calls
    name = f"all systems: calls of a night after {CHANGED:.0%} changed"
    judged.append(Goal(name, f"<= {SHARE_OF_CALLS:.0%}", share, share <= SHARE_OF_CALLS))
    return judged


def _at_least(name: str, measured: float, wanted: float, unit: str = "%") -> Goal:
    text = f">= {wanted:.0f}x" if unit == "x" else f">= {wanted:.0%}"
    return Goal(name, text, measured, measured >= wanted)


def show(laps: list[Lap], nights: tuple[Night, Night], judged: list[Goal]) -> None:
    """Three tables: the race, the two nights, the targets."""
    console = Console()
    table = Table(title="A first load, each system alone")
    for heading in ("system", "racer", "rows", "s", "rows/s", "calls", "in flight"):
        table.add_column(heading, no_wrap=True)
    for lap in laps:
        table.add_row(
            lap.system,
            f"[dim]{lap.racer}[/dim]" if lap.is_tuned else lap.racer,
            f"{lap.rows:,}",
            f"{lap.seconds:.1f}",
            f"{lap.rows_per_second:,.0f}",
            f"{lap.calls:,}",
            str(lap.most_in_flight),
        )
    console.print(table)
    table = Table("", "rows", "s", "calls", *nights[0].calls, title="All systems side by side")
    for name, night in zip(("first load", f"{CHANGED:.0%} changed"), nights, strict=True):
        calls = [f"{count:,}" for count in night.calls.values()]
        table.add_row(
            name, f"{night.rows:,}", f"{night.seconds:.1f}", f"{night.all_calls:,}", *calls
        )
    console.print(table)
    table = Table("target", "wanted", "measured", "", title="Targets")
    for goal in judged:
        measured = f"{goal.measured:.1f}x" if "x" in goal.wanted else f"{goal.measured:.1%}"
        table.add_row(goal.name, goal.wanted, measured, "ok" if goal.met else "[red]missed[/red]")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extract", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="all, if none is named")
    asked = parser.parse_args()
    systems = [system for system in SYSTEMS if system in (asked.system or SYSTEMS)]
    limits = vendor_limits(asked.latency_ms)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with filled_company(home / "company", asked.records, asked.seed) as company:
            control.set_limits(company.home, limits)
            laps, quarrels = race(company, limits, systems)
            nights = two_nights(company, systems, home / "raw")
    judged = goals(laps, nights, limits)
    show(laps, nights, judged)
    target = load_settings().home / "bench" / "extract.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    figures = {
        "asked": vars(asked),
        "laps": [asdict(lap) for lap in laps],
        "nights": [asdict(night) for night in nights],
        "goals": [asdict(goal) for goal in judged],
    }
    target.write_text(json.dumps(figures, indent=2), "utf-8")
    missed = [*quarrels, *(f"missed: {goal.name}" for goal in judged if not goal.met)]
    if missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
