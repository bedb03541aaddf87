"""The dbt project in two steps, because identity is resolved in Python between them."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from orchestration.assets.raw import RAW_TABLES
from orchestration.dbt import enter_dbt_environment
from orchestration.partitions import one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night

BEFORE_IDENTITY = "tag:before_identity"


class LayerTranslator(DagsterDbtTranslator):
    """Groups models by their folder and makes staging wait for the raw tables in DuckDB."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        layer = node["fqn"][1] if node["resource_type"] == "model" else "seeds"
        spec = spec.replace_attributes(group_name=layer, owners=["team:finance-systems"])
        if layer == "staging":
            spec = spec.replace_attributes(deps=[*spec.deps, dg.AssetDep(RAW_TABLES)])
        return spec


def _build(context: dg.AssetExecutionContext, night: Night, dbt: DbtCliResource) -> Iterator[Any]:
    """One `dbt build` of the selected models and their data tests (unit tests are for CI)."""
    # The day goes by the environment, for the test that compares it with the stamp of raw.build:
    # a changed --vars would cost a full parse.
    enter_dbt_environment(night.settings)
    os.environ["TIEOUT_SNAPSHOT_DATE"] = context.partition_key
    invocation = dbt.cli(
        ["build", "--exclude-resource-type", "unit_test"],
        context=context,
        target_path=night.settings.dbt_target_dir,
    )
    yield from invocation.stream()


def build_dbt_assets(project: DbtProject) -> list[dg.AssetsDefinition]:
    """Both halves of the project, from its parsed manifest."""
    common: dict[str, Any] = {
        "manifest": project.manifest_path,
        "project": project,
        "partitions_def": snapshot_days,
        "backfill_policy": one_day_at_a_time,
        "dagster_dbt_translator": LayerTranslator(),
        "pool": WAREHOUSE_POOL,
    }

    @dbt_assets(select=BEFORE_IDENTITY, name="models_before_identity", **common)
    def models_before_identity(
        context: dg.AssetExecutionContext, night: dg.ResourceParam[Night], dbt: DbtCliResource
    ) -> Iterator[Any]:
        yield from _build(context, night, dbt)

    @dbt_assets(exclude=BEFORE_IDENTITY, name="models_after_identity", **common)
    def models_after_identity(
        context: dg.AssetExecutionContext, night: dg.ResourceParam[Night], dbt: DbtCliResource
    ) -> Iterator[Any]:
        yield from _build(context, night, dbt)

    return [models_before_identity, models_after_identity]
