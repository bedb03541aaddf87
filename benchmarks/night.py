"""How long each step of a night takes on this machine, first load and quiet second night.

Run by `make bench`; prints a table and writes `data/bench/night.json`.
"""

import json
import time

from rich.console import Console
from rich.table import Table

from extractors.sandbox import control
from orchestration.evaluate import reconcilable_day, temporary_world
from orchestration.night import run_night
from orchestration.progress import listening
from orchestration.settings import Settings, load_settings


def timed_night(world: Settings) -> dict[str, float]:
    """Seconds per step of one night, and in total."""
    started: dict[str, float] = {}
    seconds: dict[str, float] = {}

    def note(step: str, event: str) -> None:
        if event == "STEP_START":
            started[step] = time.perf_counter()
        elif event == "STEP_SUCCESS":
            seconds[step] = time.perf_counter() - started[step]

    begun = time.perf_counter()
    with listening(note):
        result = run_night(world, reconcilable_day(world))
    if not result.ok:
        raise SystemExit(f"the night failed in {result.failed_step}: {result.reason}")
    return {**seconds, "total": time.perf_counter() - begun}


def main() -> None:
    settings = load_settings()
    with temporary_world(settings, seed=7, customers=300) as world:
        first = timed_night(world)
        control.advance(world.sandbox_dir, 1)
        second = timed_night(world)
    table = Table("step", "first night, s", "second night, s", title="Night on the sandbox")
    for step in first:
        table.add_row(step, f"{first[step]:.1f}", f"{second.get(step, 0.0):.1f}")
    Console().print(table)
    target = settings.home / "bench" / "night.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"first": first, "second": second}, indent=2))


if __name__ == "__main__":
    main()
