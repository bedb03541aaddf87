"""Charts as inline SVG: no script, no font, no network; colours come from the page's theme."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 520


ROOMY = 40  # a column this wide has room for its own labels
LETTER = 8.2  # width of a capital at the most, in the units of the drawing


@dataclass(frozen=True)
class Bar:
    """One labelled value of a bar chart; `text` is what is written at its end."""

    label: str
    value: int
    text: str


@dataclass(frozen=True)
class Share:
    """One part of a whole: a style class of the page, a name and a count."""

    style: str
    name: str
    count: int


def bars(title: str, items: Sequence[Bar]) -> Markup:
    """Horizontal bars on one scale, each with its label and value."""
    row, tail = 25, 105
    label = 12 + max((len(item.label) for item in items), default=0) * LETTER
    top = max((item.value for item in items), default=0) or 1
    span = WIDTH - label - tail
    parts = []
    for number, item in enumerate(items):
        y = number * row
        width = max(span * item.value / top, 1.5 if item.value else 0)
        parts.append(
            f'<text class="t" x="{label - 10:.0f}" y="{y + 17}" text-anchor="end">'
            f"{escape(item.label)}</text>"
            f'<rect class="bar" x="{label:.0f}" y="{y + 5}" width="{width:.1f}" height="16" '
            'rx="2"/>'
            f'<text class="t num" x="{label + width + 8:.1f}" y="{y + 17}">'
            f"{escape(item.text)}</text>"
        )
    return _svg(title, len(items) * row + 4, "".join(parts))


def stack(title: str, shares: Sequence[Share], height: int = 14) -> Markup:
    """One whole as a stacked bar; parts that are there are never thinner than a hair."""
    total = sum(share.count for share in shares) or 1
    x, parts = 0.0, []
    for share in shares:
        if not share.count:
            continue
        width = max(share.count / total * WIDTH, 2.0)
        parts.append(
            f'<rect class="{share.style}" x="{min(x, WIDTH - width):.1f}" y="0" '
            f'width="{width:.1f}" height="{height}">'
            f"<title>{escape(share.name)}: {share.count:,}</title></rect>"
        )
        x += width
    return _svg(title, height, "".join(parts), stretch=True)


def columns(title: str, items: Sequence[Bar]) -> Markup:
    """Upright bars over days, whose labels are ISO dates.

    All are labelled where there is room, else the first, the last and the highest.
    """
    height, base, head = 140, 114, 18
    top = max((item.value for item in items), default=0) or 1
    step = min((WIDTH - 10) / max(len(items), 1), 64)
    is_roomy = step > ROOMY
    peak = max(range(len(items)), key=lambda n: items[n].value, default=0)
    parts = [f'<line class="axis" x1="0" y1="{base}" x2="{WIDTH}" y2="{base}"/>']
    for number, item in enumerate(items):
        x, tall = number * step + 4, (base - head) * item.value / top
        middle = x + step * 0.36
        parts.append(
            f'<rect class="bar" x="{x:.1f}" y="{base - tall:.1f}" width="{step * 0.72:.1f}" '
            f'height="{tall:.1f}" rx="2"><title>{escape(item.label)}: {escape(item.text)}</title>'
            "</rect>"
        )
        if number in (0, len(items) - 1, peak) or is_roomy:
            parts.append(
                f'<text class="t num" x="{middle:.1f}" y="{base - tall - 5:.1f}" '
                f'text-anchor="middle">{escape(item.text)}</text>'
            )
        if is_roomy:
            parts.append(_under(middle, base, "middle", item.label[-5:]))
        elif number in (0, len(items) - 1):
            anchor, at = ("start", x) if number == 0 else ("end", x + step * 0.72)
            parts.append(_under(at, base, anchor, item.label))
    return _svg(title, height, "".join(parts))


def _under(x: float, base: int, anchor: str, text: str) -> str:
    """A label below the axis."""
    return (
        f'<text class="t dim" x="{x:.1f}" y="{base + 18}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _svg(title: str, height: float, body: str, *, stretch: bool = False) -> Markup:
    aspect = ' preserveAspectRatio="none"' if stretch else ""
    return Markup(  # noqa: S704  # every text above was escaped
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height:.0f}"{aspect}>'
        f"{body}</svg>"
    )
