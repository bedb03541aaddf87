"""Renders a report as one page that needs nothing else: readable offline, in the dark, on paper."""

from functools import partial
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconcilers.report import charts
from reconcilers.report.amounts import amount, percent, whole
from reconcilers.report.causes import cause_lines
from reconcilers.report.charts import Bar, Share
from reconcilers.report.data import PairLine, ReportData, TieoutLine
from reconcilers.report.kpis import spark
from reconcilers.report.process import STUCK_LISTED, HopLine
from reconcilers.trace.folded import duration

CHARTED = 12  # the dearest classes; the table below the chart has all
LISTED = 200  # the page shows this many exceptions; exceptions.csv has all of them
NAMES = {
    "crm": "CRM",
    "billing": "billing",
    "erp": "ERP",
    "source": "source",
    "landed": "landed",
}


def render_html(data: ReportData) -> str:
    """The page. The same data give the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(str(files("reconcilers.report"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    exponents = dict(data.exponents)
    environment.filters |= {
        "amount": partial(_amount, exponents=exponents),
        "reporting": lambda minor: whole(minor, data.reporting_currency, exponents),
        "percent": percent,
        "comparison": comparison_name,
        "role": lambda side: NAMES.get(side, side),
        "count": _count,
        "duration": duration,
    }
    return environment.get_template("template.html.j2").render(
        data=data,
        listed=data.exceptions[:LISTED],
        causes=cause_lines(data.exceptions),
        by_key={line.exception_key: line for line in data.exceptions},
        traces=dict(data.traces),
        hop_chart=_hop_chart,
        kpi_spark=spark,
        stuck_listed=data.stuck[:STUCK_LISTED],
        held_tieouts=_grouped_tieouts(data.tieouts),
        broken_tieouts=[line for line in data.tieouts if not line.holds],
        waiting=[line for line in data.corrections if line.state in WAITING],
        pair_chart=_pair_chart,
        code_chart=_code_chart(data),
        age_chart=charts.bars(
            "Open exceptions by age in days",
            [Bar(f"{name} days", count, f"{count:,}") for name, count in data.ages if count],
        ),
        trend_chart=charts.columns(
            "Exceptions each night",
            [
                Bar(p.snapshot_date.isoformat(), p.exceptions, f"{p.exceptions:,}")
                for p in data.trend
            ],
        ),
    )


WAITING = ("proposed", "held", "refused", "approved", "sending", "unknown", "dead", "ineffective")


def comparison_name(comparison: str) -> str:
    """'cmp_invoice__billing_vs_erp' as 'Invoice: billing and ERP'."""
    entity, _, sides = comparison.removeprefix("cmp_").partition("__")
    name = entity.replace("_", " ").capitalize()
    if sides.startswith("within_"):
        return f"{name}: within {NAMES.get(sides[7:], sides[7:])}"
    first, _, second = sides.partition("_vs_")
    return f"{name}: {NAMES.get(first, first)} and {NAMES.get(second, second)}"


def _count(value: int | None) -> str:
    """A number that stands back when it is nothing."""
    if value:
        return f"{value:,}"
    return Markup('<span class="dim">{}</span>').format("–" if value is None else "0")


def _amount(minor: int | None, currency: str, *, exponents: dict[str, int]) -> str:
    return amount(minor, currency, exponents)


def _pair_chart(pair: PairLine) -> str:
    shares = [
        Share("matched", "matched", pair.matched),
        Share("flight", "in flight", pair.in_flight),
        Share("unproven", "unproven", pair.unproven),
        Share("drifted", "exception", pair.exception + pair.unexplained),
        Share("excluded", "excluded", pair.excluded),
    ]
    return charts.stack(f"{comparison_name(pair.comparison)}, {pair.side}", shares)


def _hop_chart(hop: HopLine) -> str:
    shares = [
        Share("matched", "reached in time", hop.reached - hop.late),
        Share("unproven", "reached late", hop.late),
        Share("flight", "waiting", hop.waiting),
        Share("drifted", "stuck", hop.stuck),
    ]
    return charts.stack(hop.what, shares)


def _code_chart(data: ReportData) -> str:
    exponents = dict(data.exponents)
    shown = sorted(
        (line for line in data.codes if line.gross_reporting_minor),
        key=lambda line: (-line.gross_reporting_minor, line.code),
    )
    sizes = [(line.code, line.gross_reporting_minor) for line in shown[:CHARTED]]
    if rest := shown[CHARTED:]:
        sizes.append((f"{len(rest)} others", sum(line.gross_reporting_minor for line in rest)))
    return charts.bars(
        "Money at risk by class",
        [
            Bar(name, minor, whole(minor, data.reporting_currency, exponents))
            for name, minor in sizes
        ],
    )


def _grouped_tieouts(
    lines: tuple[TieoutLine, ...],
) -> list[tuple[str, int, int, list[TieoutLine]]]:
    """Per code: how many, how many hold, and the lines."""
    ordered = sorted(lines, key=lambda t: (t.code, t.scope, t.currency, t.period))
    return [
        (code, len(group), sum(t.holds for t in group), group)
        for code, found in groupby(ordered, key=lambda t: t.code)
        for group in [list(found)]
    ]
