"""`tieout kpis`: the key figures of a night and how they went over the last ones."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import typer

from orchestration.console import console, table
from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.kpis.definitions import load_definitions
from reconcilers.report.kpi_tables import kpis_csv, kpis_json
from reconcilers.report.kpis import Kpis, kpi_lines
from reconcilers.state.kpis import load_kpis

out = console()
BLOCKS = "▁▂▃▄▅▆▇█"


def show(settings: Settings, day: dt.date, nights: int, form: str) -> None:
    """Print the figures of the last night up to a day; `form` is table, json or csv."""
    with opened_state(settings) as state:
        history = load_kpis(state, day, nights)
    if not history:
        raise typer.BadParameter(f"no key figures are kept up to {day}; a night measures them")
    kpis = kpi_lines(
        history, max(history), load_definitions(), settings.exponents(), of_members=form == "json"
    )
    if form == "json":
        out.print_json(data=kpis_json(kpis, every=True))
    elif form == "csv":
        print(kpis_csv(kpis), end="")  # noqa: T201  # as it is: the console would fold it
    else:
        _print(kpis)


def _print(kpis: Kpis) -> None:
    for section, title in kpis.sections.items():
        found = table("figure", "value", "change", "nights", title=title)
        for line in kpis.totals(section):
            found.add_row(line.code, line.text, line.change, blocks(line.history))
        out.print(found)
    out.print(f"night of {kpis.night}; what each figure means: docs/kpis.md")


def blocks(history: Sequence[Decimal | None]) -> str:
    """The history as a row of blocks, the lowest value the lowest; a gap where there was none."""
    known = [value for value in history if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    top = len(BLOCKS) - 1
    return "".join(
        " " if value is None else BLOCKS[int((value - low) / span * top) if span else top // 2]
        for value in history
    )
