"""All figures of a night, in one order. Pure: the same sources give the same figures."""

from collections.abc import Iterator

from reconcilers.kpis.backlog import Effort, backlog
from reconcilers.kpis.completeness import completeness
from reconcilers.kpis.definitions import load_definitions
from reconcilers.kpis.delivery import delivery
from reconcilers.kpis.figures import TOTAL, Figure
from reconcilers.kpis.ledgers import ledgers
from reconcilers.kpis.sources import Sources


def measure(sources: Sources, effort: Effort | None = None) -> list[Figure]:
    """Every figure that the seed defines and that can be measured, in total and by dimension.

    `effort` gives exceptions a cost; without it they have none. A figure of money of which some is
    in a currency without a rate has no value.
    """
    found = [*completeness(sources), *backlog(sources, effort), *delivery(sources)]
    found += ledgers(sources)
    return sorted([*found, *_nothing(found)], key=lambda one: (one.code, one.dimension, one.member))


def _nothing(found: list[Figure]) -> Iterator[Figure]:
    """A total without a value for each defined figure that the night had nothing to measure of."""
    measured = {figure.code for figure in found if figure.dimension == TOTAL}
    for code, definition in load_definitions().items():
        if not definition.not_measured and code not in measured and code != "exception_cost":
            yield Figure(code, TOTAL, "", None)
