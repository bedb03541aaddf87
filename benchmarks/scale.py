"""How a night grows with its company, beside what the same bytes cost at the least.

One company of 300 customers is made, read and written out in several sizes; each is reconciled, and
what was found is held against the truth; so it is on the next night, when it lived on for a day.
Beside it, in the same run: the raw zone copied, scanned, and written into tables of DuckDB.
Run by `make bench-scale SIZES="300 3000"`; prints the tables, writes `data/bench/scale.json` and a
section of `docs/performance.md`.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import log
from pathlib import Path
from statistics import linear_regression
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.page import PERFORMANCE, markdown, write_section
from extractors.manifest import ROWS_FILE
from orchestration.evaluate import all_fresh, parse_plants
from orchestration.settings import Settings, load_settings
from orchestration.worlds.bench import NightBench, bench_copies
from orchestration.worlds.world import (
    LARGEST_ORIGINAL,
    PLANTED,
    read_company,
    read_next_day,
)

SIZES = (300, 3_000, 10_200)
SEED = 7
HEADING = "A night as its company grows"
# The steps that do what a scan and a write of the same bytes do.
LOADING = ("raw__tables", "models_before_identity")
_PAGE = """\
Written by `make bench-scale`: one company in several sizes, with one drift of every class but a
stale snapshot in each 300 customers, read before. Processor seconds by step of a first night; how
they grow with the records (1: in line with them, a fixed part pulls it down); what the same files
cost at the least; at the end the next night, which loads what a day changed.

{table}

A night takes {fixed:.0f} s of processor time, and {each:.0f} s more for each million records
(a straight line through the sizes above). {found}
"""


@dataclass(frozen=True)
class Size:
    """A night of one size; `least` are processor seconds of what must be done with its files."""

    night: NightBench
    next_night: NightBench
    least: dict[str, float]

    @property
    def records(self) -> int:
        return self.night.world.records

    @property
    def cpu_by_step(self) -> dict[str, float]:
        return {stage.step: stage.cpu_seconds for stage in self.night.stages}

    @property
    def cpu_seconds(self) -> float:
        return self.night.cpu_seconds

    def as_dict(self) -> dict[str, Any]:
        told = {"least_cpu_seconds": self.least, "next_night": self.next_night.as_dict()}
        return {**self.night.as_dict(), **told}


def measured(company: Settings, days: tuple[date, date], customers: int) -> Size:
    """Write the company in this size, and reconcile it for both days."""
    with tempfile.TemporaryDirectory(prefix="tieout-scale-") as folder:
        large = company.practising_in(Path(folder) / "home")
        night = bench_copies(company, large, days[0], customers, SEED)
        least = dict(_least(large.raw_dir, Path(folder)))
        return Size(night, bench_copies(company, large, days[1], customers, SEED), least)


def _least(raw: Path, place: Path) -> Iterator[tuple[str, float]]:
    files = sorted(raw.rglob(ROWS_FILE))
    yield "copy of the files", _cpu(lambda: shutil.copytree(raw, place / "copy"))
    with duckdb.connect(str(place / "tables.duckdb")) as con:
        scans = [f"SELECT any_value(COLUMNS(*)) FROM read_parquet('{file}')" for file in files]
        yield "scan of all columns", _cpu(lambda: [con.sql(scan).fetchall() for scan in scans])
        tables = [
            f"CREATE TABLE rows_{number} AS FROM read_parquet('{file}')"
            for number, file in enumerate(files)
        ]
        yield "scan and write as tables", _cpu(lambda: [con.execute(each) for each in tables])


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def growth(sizes: Sequence[Size], seconds: Sequence[float]) -> float | None:
    """The exponent by which processor time grows with the records; None of a single size."""
    if len(sizes) == 1 or min(seconds) <= 0:
        return None
    slope, _ = linear_regression(
        [log(size.records) for size in sizes], [log(one) for one in seconds]
    )
    return slope


def _rows(sizes: Sequence[Size]) -> Iterator[tuple[str, ...]]:
    for step in sizes[0].cpu_by_step:
        yield _row(step, sizes, [size.cpu_by_step[step] for size in sizes])
    yield _row("all", sizes, [size.cpu_seconds for size in sizes])
    yield ("peak memory, GB", *(f"{_peak(size):.2f}" for size in sizes), "")
    for name in sizes[0].least:
        yield _row(name, sizes, [size.least[name] for size in sizes])
    ratios = [_loading(size) / size.least["scan and write as tables"] for size in sizes]
    yield ("load and staging, x scan and write", *(f"{ratio:.1f}" for ratio in ratios), "")
    yield _row("the next night", sizes, [size.next_night.cpu_seconds for size in sizes])
    shares = [size.next_night.of(size.night) for size in sizes]
    yield ("records that it reads", *(f"{share['records']:.1%}" for share in shares), "")
    yield ("its processor time", *(f"{share['cpu_seconds']:.0%}" for share in shares), "")


def _row(name: str, sizes: Sequence[Size], seconds: Sequence[float]) -> tuple[str, ...]:
    exponent = growth(sizes, seconds)
    told = "" if exponent is None else f"{exponent:.2f}"
    return (name, *(f"{one:,.1f}" for one in seconds), told)


def _peak(size: Size) -> float:
    return max(stage.peak_gigabytes for stage in size.night.stages)


def _loading(size: Size) -> float:
    return sum(size.cpu_by_step[step] for step in LOADING)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=__doc__)
    parser.add_argument("customers", type=int, nargs="*", default=SIZES)
    asked = sorted(parser.parse_args().customers)
    settings = load_settings()
    plants = all_fresh(parse_plants([], PLANTED))
    with read_company(settings, SEED, LARGEST_ORIGINAL, plants) as (company, day):
        days = day, read_next_day(company)
        sizes = [measured(company, days, customers) for customers in asked]
    heads = [f"{size.night.customers:,} customers, {size.records:,} records" for size in sizes]
    titles, rows = ("", *heads, "growth"), list(_rows(sizes))
    table = Table(*titles, title=HEADING)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    target = settings.home / "bench" / "scale.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps([size.as_dict() for size in sizes], indent=2), encoding="utf-8")
    if len(sizes) > 1:
        write_section(PERFORMANCE, HEADING, _page(sizes, markdown(titles, rows)))


def _page(sizes: Sequence[Size], table: str) -> str:
    each, fixed = linear_regression(
        [size.records / 1e6 for size in sizes], [size.cpu_seconds for size in sizes]
    )
    nights = [night for size in sizes for night in (size.night, size.next_night)]
    wrong = sorted({night.customers for night in nights if not night.is_perfect})
    found = (
        f"Not exactly the truth was found at {wrong}."
        if wrong
        else "Exactly the drift that is there was found in each night, and all tie-outs hold."
    )
    return _PAGE.format(table=table, fixed=fixed, each=each, found=found)


if __name__ == "__main__":
    main()
