"""The key figures for spreadsheets, machines and Markdown. Pure."""

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from reconcilers.kpis.figures import TOTAL
from reconcilers.report.kpis import KpiLine, Kpis
from reconcilers.spreadsheet import table

# The columns of kpis.csv, in this order for good; new ones come at the end.
KPI_COLUMNS = (
    "code",
    "name",
    "unit",
    "dimension",
    "member",
    "numerator",
    "denominator",
    "value",
    "currency",
    "text",
    "change",
)
PLACES = Decimal("0.00000001")


def kpis_csv(kpis: Kpis) -> str:
    """Every figure of the night, one a row: money in minor units, durations in seconds."""
    rows = ({**asdict(line), "value": exact(line.value)} for line in kpis.lines)
    return table(KPI_COLUMNS, (SimpleNamespace(**row) for row in rows))


def kpis_json(kpis: Kpis, *, every: bool = False) -> dict[str, Any]:
    """The totals (or `every` member too) with their history; values are decimal text, no floats."""
    return {
        "night": kpis.night.isoformat() if kpis.night else None,
        "nights": [night.isoformat() for night in kpis.nights],
        "figures": [_plain(line) for line in kpis.lines if every or line.dimension == TOTAL],
        "not_measured": {each.code: each.not_measured for each in kpis.not_measured},
    }


def kpis_markdown(kpis: Kpis) -> str:
    """The totals as a table per section, and what is not measured, with the reason."""
    return "\n".join([f"# Key figures of {kpis.night or 'no night'}", "", *_sections(kpis)])


def _sections(kpis: Kpis) -> Iterator[str]:
    for section, title in kpis.sections.items():
        if lines := kpis.totals(section):
            yield from (f"## {title}", "", "| figure | value | since the last night |")
            yield "|---|---:|---:|"
            yield from (f"| {line.name} | {line.text} | {line.change} |" for line in lines)
            yield ""
    yield from ("## Not measured", "")
    yield from (f"- {each.name}: {each.not_measured}" for each in kpis.not_measured)
    yield ""


def _plain(line: KpiLine) -> dict[str, Any]:
    return {
        "code": line.code,
        "dimension": line.dimension,
        "member": line.member,
        "unit": line.unit,
        "currency": line.currency or None,
        "numerator": line.numerator,
        "denominator": line.denominator,
        "value": exact(line.value),
        "change": line.change,
        "history": [exact(value) for value in line.history],
    }


def exact(value: Decimal | None) -> str | None:
    """To eight places at most, without an exponent: '0.99912345', '12'."""
    if value is None:
        return None
    text = f"{value.quantize(PLACES):f}"
    return text.rstrip("0").rstrip(".")
