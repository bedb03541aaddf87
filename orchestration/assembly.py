"""Puts the code location together from settings; whatever runs a night builds its own."""

import dagster as dg

from orchestration.assets import (
    corrections,
    events,
    identity,
    matching,
    raw,
    reconciliation,
    reporting,
)
from orchestration.assets.models import build_dbt_assets
from orchestration.column_lineage import column_lineage
from orchestration.dbt import dbt_project, ensure_manifest, enter_dbt_environment
from orchestration.jobs import dispatch, nightly, replay, watch
from orchestration.progress import loggers
from orchestration.resources import default_resources
from orchestration.schedules import schedules
from orchestration.settings import Settings, load_settings


def build_defs(
    settings: Settings | None = None, *, with_lineage: bool = False, **resources: object
) -> dg.Definitions:
    """Everything Dagster knows of Tieout; any resource can be replaced by name.

    `with_lineage`: for whoever looks at it, of columns too. A night needs none.
    """
    settings = settings or load_settings()
    enter_dbt_environment(settings)
    project = dbt_project(settings)
    ensure_manifest(project)
    lineage = column_lineage(project.manifest_path) if with_lineage else {}
    return dg.Definitions(
        assets=[
            *raw.assets,
            *build_dbt_assets(project, lineage),
            *identity.assets,
            *events.assets,
            *matching.assets,
            *reconciliation.assets,
            *corrections.assets,
            *reporting.assets,
        ],
        jobs=[nightly, dispatch, replay, watch],
        schedules=schedules,
        resources={**default_resources(settings), **resources},
        loggers=loggers(settings.log_form),
        executor=dg.in_process_executor,
    )
