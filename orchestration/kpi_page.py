"""Writes docs/kpis.md from the seed of definitions; `make docs` runs it, a test compares them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from reconcilers.kpis.definitions import SECTIONS, Definition, load_definitions

PAGE = Path("docs/kpis.md")
UNITS = {
    "share": "share (0 to 100 %)",
    "count": "number",
    "money": "money, reporting currency",
    "days": "days",
    "seconds": "time",
    "per_hour": "an hour",
}
GOOD = {"up": "more", "down": "less", "zero": "none at all", "none": "neither"}
HEAD = """# Key figures

A night keeps these figures in the state store, one row per figure, member of a dimension and night.
A night that is replayed replaces its own rows; a rebuilt warehouse takes none away. They are in the
report of the night with their last 30 nights, in `kpis.csv` and `kpis.md` beside it, in the auditor
pack, in Dagster (asset `reporting/kpis`, which plots them), and in
`tieout kpis [--day DAY] [--history NIGHTS] [--json | --csv]`.

A ratio is a sum over a sum, so the members of a dimension add up to the total; percentiles do not.
A figure stands as of the end of the night's day (UTC): what came later is left out. Money is in
minor units of the reporting currency at the rate of the day, times are in seconds. `none` means
that there was nothing to measure, or that some of the money has no rate (seed `fx_rates`).

This page is written from `dbt_project/seeds/kpis.csv` by `make docs`.
"""


def page(definitions: Mapping[str, Definition]) -> str:
    """All figures by section, then what is not measured."""
    return HEAD + "\n" + "\n".join(_lines(definitions))


def _lines(definitions: Mapping[str, Definition]) -> Iterator[str]:
    measured = [each for each in definitions.values() if not each.not_measured]
    for section, title in SECTIONS.items():
        yield from (f"## {title}", "")
        yield from (line for each in measured if each.section == section for line in _told(each))
    yield from ("## Not measured", "", "| figure | would be | why not |", "|---|---|---|")
    for each in definitions.values():
        if each.not_measured:
            yield f"| {each.name} | {each.formula} | {each.not_measured} |"
    yield ""


def _told(each: Definition) -> Iterator[str]:
    yield from (f"### {each.name}", "")
    by = f", by {', '.join(each.dimensions)}" if each.dimensions else ""
    yield f"`{each.code}`: {UNITS[each.unit]}{by}. Good is {GOOD[each.direction]}."
    yield ""
    if each.denominator:
        yield from (f"- numerator: {each.numerator}", f"- denominator: {each.denominator}")
    else:
        yield f"- what: {each.numerator}"
    if each.pitfall:
        yield f"- mind: {each.pitfall}"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(load_definitions()), encoding="utf-8")
