"""Renders a report as one page that needs nothing else: readable offline, in the dark, on paper."""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reconcilers.report.amounts import amount, percent, whole
from reconcilers.report.causes import cause_lines
from reconcilers.report.data import ReportData
from reconcilers.report.drawings import drawings
from reconcilers.report.grids import as_columns, packed
from reconcilers.report.kpis import spark
from reconcilers.report.tables import grids_of, stage_lines
from reconcilers.trace.folded import duration

TEMPLATES = files("reconcilers.report") / "templates"
CAUSES_LISTED = 50
NAMES = {
    "crm": "CRM",
    "billing": "billing",
    "erp": "ERP",
    "source": "source",
    "landed": "landed",
}


def render_html(data: ReportData, threads: Mapping[str, str] | None = None) -> str:
    """The page. The same data give the same bytes.

    `threads`: the pages of the threads that `data.traces` names, by name.
    """
    grids = grids_of(data)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    content = {
        "grids": {name: as_columns(grid) for name, grid in grids.items()},
        "exponents": dict(data.exponents),
        "currency": data.reporting_currency,
        "review": data.review_url,
    }
    return (
        _environment(data)
        .get_template("page.html.j2")
        .render(
            data=data,
            grids=grids,
            causes=cause_lines(data.exceptions)[:CAUSES_LISTED],
            risks={name: list(group) for name, group in groupby(data.risks, lambda r: r.dimension)},
            stages=stage_lines(data),
            tieouts=_tieouts_by_code(data),
            broken=[line for line in data.tieouts if not line.holds],
            charts=drawings(data),
            kpi_spark=spark,
            script=Markup(script),  # noqa: S704  # a file of ours
            script_digest=digest,
            content=packed(content),
            threads=packed(threads or {}),
        )
    )


def _environment(data: ReportData) -> Environment:
    environment = _loaded().overlay()
    exponents = dict(data.exponents)
    environment.filters = environment.filters | {
        "amount": partial(_amount, exponents=exponents),
        "reporting": lambda minor: whole(minor, data.reporting_currency, exponents),
    }
    return environment


@cache
def _loaded() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(str(TEMPLATES)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "comparison": comparison_name,
        "role": lambda side: NAMES.get(side, side),
        "words": lambda text: text.replace("_", " "),
        "count": _count,
        "duration": duration,
    }
    environment.globals |= {"rows_of": rows_of}
    return environment


def rows_of(grid: str, text: object, **filters: str) -> Markup:
    """A number as a link to its rows; one that is nothing leads nowhere."""
    if not text:
        return _count(0)
    shown = f"{text:,}" if isinstance(text, int) else text
    return Markup('<a href="#{}?{}">{}</a>').format(grid, urlencode(filters), escape(shown))


def comparison_name(comparison: str) -> str:
    """'cmp_invoice__billing_vs_erp' as 'Invoice: billing and ERP'."""
    entity, _, sides = comparison.removeprefix("cmp_").partition("__")
    name = entity.replace("_", " ").capitalize()
    if sides.startswith("within_"):
        return f"{name}: within {NAMES.get(sides[7:], sides[7:])}"
    first, _, second = sides.partition("_vs_")
    return f"{name}: {NAMES.get(first, first)} and {NAMES.get(second, second)}"


def _count(value: int | None) -> Markup:
    """A number that stands back when it is nothing."""
    if value:
        return Markup(f"{value:,}")  # noqa: S704  # digits
    return Markup('<span class="dim">{}</span>').format("–" if value is None else "0")


def _amount(minor: int | None, currency: str, *, exponents: dict[str, int]) -> str:
    return amount(minor, currency, exponents)


def _tieouts_by_code(data: ReportData) -> list[tuple[str, int, int]]:
    """Per code: how many lines it has, and how many of them hold."""
    lines = Counter(line.code for line in data.tieouts)
    holding: Counter[Any] = Counter(line.code for line in data.tieouts if line.holds)
    return [(code, count, holding[code]) for code, count in sorted(lines.items())]
