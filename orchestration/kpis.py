"""Measures the key figures of a night, keeps them, and gives them to Dagster with their types."""

import datetime as dt
from collections.abc import Mapping, Sequence

import dagster as dg

from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.corrections.policy import load_policy
from reconcilers.engine import open_warehouse, require_built_for
from reconcilers.kpis.backlog import Effort
from reconcilers.kpis.definitions import Definition, load_definitions
from reconcilers.kpis.figures import TOTAL, Figure
from reconcilers.kpis.measure import measure
from reconcilers.kpis.sources import load_sources
from reconcilers.state.kpis import record_kpis

SECONDS_PER_HOUR = 3600


def keep_kpis(settings: Settings, day: dt.date) -> tuple[Sequence[Figure], int]:
    """Measure a recorded night from the warehouse built for it, in place of what was kept of it.

    Returns the figures and the exponent of the reporting currency.

    Raises:
        WarehouseBuiltForAnotherDay: replay the day first (`tieout nightly DAY`).

    """
    policy = load_policy(settings.policy_path)
    with (
        opened_state(settings) as state,
        open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con,
    ):
        require_built_for(con, day)
        sources = load_sources(con, state, day, policy)
        figures = measure(sources, effort(settings))
        record_kpis(state, day, figures)
    return figures, sources.rates.reporting_exponent


def effort(settings: Settings) -> Effort | None:
    """What an exception takes people, where finance has set both of it."""
    if settings.exception_minutes is None or settings.hourly_rate_minor is None:
        return None
    return Effort(settings.exception_minutes, settings.hourly_rate_minor)


def typed_metadata(figures: Sequence[Figure], exponent: int) -> Mapping[str, dg.MetadataValue]:
    """The totals as numbers that Dagster draws over the materializations of the asset.

    Shares are between 0 and 1, durations in hours, money in units of the reporting currency: a
    float is good enough for a curve, the exact figure is in the state store.
    """
    definitions = load_definitions()
    return {
        figure.code: _typed(figure, definitions[figure.code], exponent)
        for figure in figures
        if figure.dimension == TOTAL and figure.value is not None
    }


def _typed(figure: Figure, definition: Definition, exponent: int) -> dg.MetadataValue:
    value = figure.value or 0
    if definition.unit == "count":
        return dg.MetadataValue.int(int(value))
    if definition.unit == "money":
        return dg.MetadataValue.float(float(value) / 10**exponent)
    if definition.unit == "seconds":
        return dg.MetadataValue.float(float(value) / SECONDS_PER_HOUR)
    return dg.MetadataValue.float(float(value))
