"""How long each step of a night takes on this machine, first load and quiet second night.

Run by `make bench`; prints a table and writes `data/bench/night.json`.
"""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from extractors.sandbox import control
from orchestration.evaluate import reconcilable_day, temporary_world
from orchestration.settings import load_settings
from orchestration.worlds.bench import Stage, measured_night


def main() -> None:
    settings = load_settings()
    with temporary_world(settings, seed=7, customers=300) as world:
        first = measured_night(world, reconcilable_day(world))
        control.advance(world.sandbox_dir, 1)
        second = measured_night(world, reconcilable_day(world))
    table = Table("step", "first night, s", "second night, s", title="Night on the sandbox")
    for one, other in zip(first, second, strict=True):
        table.add_row(one.step, f"{one.seconds:.1f}", f"{other.seconds:.1f}")
    table.add_row(
        "all", *(f"{sum(each.seconds for each in night):.1f}" for night in (first, second))
    )
    Console().print(table)
    target = settings.home / "bench" / "night.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"first": _plain(first), "second": _plain(second)}, indent=2))


def _plain(night: tuple[Stage, ...]) -> dict[str, dict[str, float | str]]:
    return {stage.step: asdict(stage) for stage in night}


if __name__ == "__main__":
    main()
