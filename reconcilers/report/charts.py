"""Charts as inline SVG, drawn by Vega-Altair when the report is written: no script, no network.

Colours are variables of the page, so that a chart is dark where the page is. Each chart stands
beside a table of the same numbers, and is a single image with a name for who listens to the page.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup, escape

WIDTH = 440
ROW = 24
LABEL = 210  # the widest label of an axis
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "padding": {"left": 20, "right": 30, "top": 4, "bottom": 4},  # fonts of readers may be wider
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "bar": {"cornerRadiusEnd": 2},
    "axis": {
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "labelLimit": LABEL,
        "labelPadding": 6,
        "titleColor": "var(--dim)",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
    },
    "legend": {
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "orient": "top",
        "title": None,
        "columnPadding": 24,
    },
    "text": {"color": "var(--ink)", "fontSize": 12},
}
Rows = Sequence[dict[str, Any]]
_BAR = "var(--bar)"


def bars(title: str, rows: Rows) -> Markup:
    """Horizontal bars on one scale, in the given order: `label`, `value`, and `text` at its end."""
    base = _chart(rows).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)),
        x=alt.X("value:Q", axis=None, scale=alt.Scale(padding=0)),
    )
    texts = base.mark_text(align="left", dx=6).encode(text="text:N")
    return _drawn(title, base.mark_bar(color=_BAR) + texts, len(rows) * ROW)


def columns(title: str, rows: Rows) -> Markup:
    """Upright bars over days: `day` (ISO) and `value`."""
    base = _chart(rows).encode(
        x=alt.X(
            "day:O",
            title=None,
            axis=alt.Axis(labelAngle=0, labelExpr="slice(datum.label, 5)", labelOverlap=True),
        ),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3, format=",d", domain=False)),
    )
    return _drawn(title, base.mark_bar(color=_BAR), 120, width=min(WIDTH, 60 * len(rows)))


def stack(title: str, rows: Rows, parts: Sequence[tuple[str, str]]) -> Markup:
    """Horizontal bars made of parts (name and colour): `label`, `part`, `value`."""
    chart = (
        _chart(rows)
        .mark_bar()
        .encode(
            y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)),
            x=alt.X("value:Q", title=None, axis=alt.Axis(tickCount=4, format=",d", domain=False)),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=[name for name, _ in parts], range=[to for _, to in parts]),
            ),
            order=alt.Order("place:Q"),
        )
    )
    return _drawn(title, chart, len({row["label"] for row in rows}) * ROW)


def ranges(title: str, rows: Rows, ticks: Sequence[tuple[int, str]]) -> Markup:
    """From the median over the 95th to the 99th percentile of seconds, on a logarithmic scale.

    Rows: `label`, `p50`, `p95`, `p99`; `ticks` are seconds and how they are written.
    """
    names = {str(seconds): name for seconds, name in ticks}
    x = alt.X(
        "p50:Q",
        title=None,
        scale=alt.Scale(type="log", nice=False, domain=[ticks[0][0], ticks[-1][0]]),
        axis=alt.Axis(
            values=[seconds for seconds, _ in ticks],
            labelExpr=f"({json.dumps(names)})[datum.value]",
        ),
    )
    base = _chart(rows).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)), x=x
    )
    line = base.mark_rule(color="var(--rest)", strokeWidth=4).encode(x2="p99:Q")
    points = [
        base.mark_point(filled=True, size=90, opacity=1, color=colour).encode(x=alt.X(f"{name}:Q"))
        for name, colour in (("p99", "var(--bad)"), ("p95", "var(--warn)"), ("p50", _BAR))
    ]
    return _drawn(title, alt.layer(line, *points), len(rows) * ROW)


def _chart(rows: Rows) -> Any:
    return alt.Chart(alt.InlineData(values=list(rows)))


def _drawn(title: str, chart: Any, height: int, width: int = WIDTH) -> Markup:
    spec = chart.properties(width=width, height=height).configure(**CONFIG).to_dict()
    name = escape(title)
    return Markup('<div class="chart" role="img" aria-label="{}">{}</div>').format(
        name,
        Markup(_svg(json.dumps(spec))),  # noqa: S704  # Vega escapes the texts that it draws
    )


@lru_cache(maxsize=64)
def _svg(spec: str) -> str:
    """The drawing. Each takes a tenth of a second: a report written again has most of them."""
    drawn = vl_convert.vegalite_to_svg(spec)
    # The frame around it says what it is. It cuts nothing off, by ids that others have, too.
    drawn = re.sub(r"<defs>.*?</defs>", "", drawn)
    return re.sub(r' (?:aria-[a-z]+|role|clip-path)="[^"]*"', "", drawn)
