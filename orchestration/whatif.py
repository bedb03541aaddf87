"""Replay stored nights under changed rules, and tell what they would have found otherwise.

Works in a place of its own: it reads the raw zone and the state store of the company, calls no
source system, and changes neither.
"""

import datetime as dt
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from extractors.registry import READ
from orchestration.extraction import mirrored
from orchestration.night import run_replay
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.differences import Difference, Seen, differences, seen_on
from reconcilers.state.views import list_nights

# What a folder of changed rules may hold -> the setting that it stands in for.
RULE_FILES = {
    "system_of_record.csv": "matrix_path",
    "policy.toml": "policy_path",
    "overrides.csv": "overrides_path",
}


class WhatIfError(Exception):
    """The nights cannot be replayed; the message says why."""


@dataclass(frozen=True)
class OtherNight:
    """A stored night beside what it would be: how many exceptions, and which are not the same."""

    day: dt.date
    recorded: int
    replayed: int
    differences: list[Difference]


def changed_settings(settings: Settings, folder: Path) -> Settings:
    """The settings with every rule file of the folder in place of the company's.

    Raises:
        WhatIfError: the folder holds none of them.

    """
    found = {name: folder / name for name in RULE_FILES if (folder / name).is_file()}
    if not found:
        raise WhatIfError(f"{folder} holds none of {', '.join(RULE_FILES)}")
    changed: dict[str, Path] = {RULE_FILES[name]: path for name, path in found.items()}
    return replace(settings, **changed)  # type: ignore[arg-type]  # all of them are paths


def what_if(
    settings: Settings, folder: Path, first: dt.date, last: dt.date
) -> Iterator[OtherNight]:
    """Every recorded night from the first day to the last one, under the rules of the folder.

    Raises:
        WhatIfError: no night of the range was recorded, or one cannot be replayed.

    """
    changed = changed_settings(settings, folder)
    with opened_state(settings) as state:
        days = [night.snapshot_date for night in list_nights(state)]
        recorded = {day: seen_on(state, day) for day in days if first <= day <= last}
    if not recorded:
        raise WhatIfError(f"no night from {first} to {last} was recorded")
    with (
        mirrored(settings, *READ),
        tempfile.TemporaryDirectory(prefix="tieout-whatif-") as home,
    ):
        world = _apart(changed, Path(home))
        for day, before in recorded.items():
            yield _other(world, day, before)


def _apart(settings: Settings, home: Path) -> Settings:
    """A home of its own on the same raw zone, which knows no system and no receiver."""
    (home / "raw").symlink_to(settings.raw_dir)
    return settings.practising_in(home)


def _other(world: Settings, day: dt.date, before: dict[str, Seen]) -> OtherNight:
    result = run_replay(world, day)
    if not result.ok:
        raise WhatIfError(f"{day} cannot be replayed: {result.failed_step} failed: {result.reason}")
    with opened_state(world) as state:
        after = seen_on(state, day)
    return OtherNight(day, len(before), len(after), differences(before, after))
