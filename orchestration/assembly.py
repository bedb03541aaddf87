"""Puts the code location together from settings; whatever runs a night builds its own."""

from collections.abc import Sequence
from pathlib import Path

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
from orchestration.jobs import dispatch, nightly, replay, watch_of
from orchestration.partitions import companies_alone, nights_of
from orchestration.progress import loggers
from orchestration.resources import default_resources
from orchestration.schedules import nightly_at_two, watch_at_seven
from orchestration.settings import Settings, load_deployment


def build_defs(
    settings: Settings | None = None, *, with_lineage: bool = False, **resources: object
) -> dg.Definitions:
    """Everything Dagster knows of Tieout; any resource can be replaced by name.

    Without settings it is for all companies of the deployment, with those of one for its runs
    alone. `with_lineage`: for whoever looks at it, of columns too. A night needs none.
    """
    settings = settings or load_deployment()
    enter_dbt_environment(settings)
    project = dbt_project(settings)
    ensure_manifest(project)
    lineage = column_lineage(project.manifest_path, _compiled(settings)) if with_lineage else {}
    assets = [
        *raw.assets,
        *build_dbt_assets(project, lineage),
        *identity.assets,
        *events.assets,
        *matching.assets,
        *reconciliation.assets,
        *corrections.assets,
        *reporting.assets,
    ]
    watch = watch_of(settings.companies)
    return dg.Definitions(
        assets=_by_company(assets, settings.companies) if settings.companies else assets,
        jobs=[nightly, dispatch, replay, watch],
        schedules=[nightly_at_two, watch_at_seven(watch)],
        resources={**default_resources(settings), **resources},
        loggers=loggers(settings.log_form),
        executor=dg.in_process_executor,
    )


def _compiled(settings: Settings) -> Path:
    """The dbt target of the last nights; of several companies any: their SQL is the same."""
    homes = [settings.home / "companies" / company for company in settings.companies]
    targets = [home / "dbt" / "target" for home in homes]
    return next((one for one in targets if (one / "compiled").exists()), settings.dbt_target_dir)


def _by_company(
    assets: Sequence[dg.AssetsDefinition], companies: Sequence[str]
) -> list[dg.AssetsDefinition]:
    """The same assets, each night of them a company's; what has no day is a company's too."""
    nights, alone = nights_of(companies), companies_alone(companies)

    def of_company(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(partitions_def=nights if spec.partitions_def else alone)

    return [each.map_asset_specs(of_company) for each in assets]
