"""A figure's history as an inline SVG line without axes; colours come from the page's theme."""

from collections.abc import Sequence

from markupsafe import Markup, escape


def sparkline(title: str, points: Sequence[tuple[int, float | None]]) -> Markup:
    """A small line over days; a day without a value interrupts it, the last one is marked.

    `points` are days counted from the first one, in order, and their values.
    """
    wide, tall, edge = 120, 24, 3
    known = [value for _, value in points if value is not None]
    if not known:
        return Markup("")
    low, high = min(known), max(known)
    days = (points[-1][0] - points[0][0]) or 1

    def place(day: int, value: float) -> tuple[float, float]:
        up = (value - low) / (high - low) if high > low else 0.5
        x = edge + (wide - 2 * edge) * (day - points[0][0]) / days
        return x, tall - edge - (tall - 2 * edge) * up

    path, pen = [], "M"
    for day, value in points:
        if value is None:
            pen = "M"
            continue
        x, y = place(day, value)
        path.append(f"{pen}{x:.0f} {y:.1f}")
        pen = "L"
    day, last = next((day, value) for day, value in reversed(points) if value is not None)
    x, y = place(day, last)
    return Markup(  # noqa: S704  # the title is escaped, all else are numbers
        f'<svg class="spark" role="img" aria-label="{escape(title)}" viewBox="0 0 {wide} {tall}">'
        f'<path d="{"".join(path)}"/><circle cx="{x:.0f}" cy="{y:.1f}" r="2.5"/></svg>'
    )
