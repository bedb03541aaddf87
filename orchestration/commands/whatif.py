"""`tieout whatif`: what changed rules would have found in the nights that are stored."""

import datetime as dt
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from orchestration.console import console, mistakes_told, money, table
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from orchestration.whatif import OtherNight

app = typer.Typer(add_completion=False)
out = console()


@app.command()
def whatif(
    rules: Annotated[
        Path,
        typer.Option(help="Folder with system_of_record.csv, policy.toml or overrides.csv."),
    ],
    first: Annotated[dt.datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    last: Annotated[dt.datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Replay stored nights under changed rules; show what appears, vanishes or changes."""
    from orchestration.whatif import WhatIfError, what_if

    nights = []
    with mistakes_told(WhatIfError):
        for night in what_if(load_settings(), rules, first.date(), last.date()):
            nights.append(night)
            if not as_json:
                _show(night)
    if as_json:
        out.print_json(data=[_as_dict(night) for night in nights])


def _show(night: "OtherNight") -> None:
    counts = Counter(difference.change for difference in night.differences)
    told = ", ".join(f"{count} {change}" for change, count in sorted(counts.items()))
    out.print(
        f"{night.day}: {night.recorded} exceptions recorded, {night.replayed} under these rules; "
        f"{told or 'nothing changes'}"
    )
    if night.differences:
        out.print(_difference_table(night))


def _difference_table(night: "OtherNight") -> Table:
    shown = table("code", "change", "record", "attribute", "severity", "impact")
    for difference in night.differences:
        seen, sides = difference.seen, (difference.before, difference.after)
        shown.add_row(
            seen.code,
            difference.change,
            f"{seen.owner_system} {seen.owner_id}",
            seen.attribute,
            _turn(*(side.severity if side else None for side in sides)),
            _turn(*(money(side.impact_reporting_minor) if side else None for side in sides)),
        )
    return shown


def _turn(before: str | None, after: str | None) -> str:
    """A value, or how it changes."""
    told = [value for value in (before, after) if value is not None]
    return " → ".join(dict.fromkeys(told))


def _as_dict(night: "OtherNight") -> dict[str, Any]:
    return {
        "day": night.day.isoformat(),
        "recorded": night.recorded,
        "replayed": night.replayed,
        "differences": [
            {"change": difference.change, **asdict(difference)} for difference in night.differences
        ],
    }
