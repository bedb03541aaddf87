"""The dbt project in two steps, because identity is resolved in Python between them."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)

from orchestration import standing
from orchestration.assets.raw import RAW_TABLES
from orchestration.column_lineage import Columns, Lineage
from orchestration.dbt import enter_dbt_environment, source_files
from orchestration.partitions import day_of, one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from orchestration.spark.night import FIRST_HALF, build_on_spark

SECOND_HALF = "after_identity"
BEFORE_IDENTITY = f"tag:{FIRST_HALF}"
# Each model looks at its grain itself (dbt_project/macros/grain.sql).
GRAINS_OF_MODELS = "tag:grain,path:models"
# 4.6 million were built two models at a time in 4 GB; of 35 million two had no room beside each
# other, and one alone takes both processors.
MOST_RECORDS_OF_TWO = 5_000_000
_RECORDS = "SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables() WHERE schema_name = 'raw'"
_UNIQUE_ID = "dagster_dbt/unique_id"
# Sources that are no object of a system: loading the raw tables writes or loads them too.
LOADED_TOO = ("control", "event_log")
_ORIGINS_SHOWN = 5
_MISSING_SHOWN = 5


class LayerTranslator(DagsterDbtTranslator):
    """Groups models by their folder and makes staging wait for the raw tables in DuckDB."""

    def __init__(self, lineage: Lineage) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
        self._lineage = lineage
        self._specs: dict[str, dg.AssetSpec] = {}

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props.get("source_name") in LOADED_TOO:
            return RAW_TABLES
        return super().get_asset_key(dbt_resource_props)

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        # Dagster asks for a parent once a child, and keeps only what it made itself.
        if unique_id not in self._specs:
            spec = super().get_asset_spec(manifest, unique_id, project)
            self._specs[unique_id] = self._completed(manifest, unique_id, spec)
        return self._specs[unique_id]

    def _completed(
        self, manifest: Mapping[str, Any], unique_id: str, spec: dg.AssetSpec
    ) -> dg.AssetSpec:
        node = self.get_resource_props(manifest, unique_id)
        layer = node["fqn"][1] if node["resource_type"] == "model" else "seeds"
        spec = spec.replace_attributes(
            group_name=layer,
            owners=["team:finance-systems"],
            kinds={*spec.kinds, node["config"].get("materialized", "source")},
        )
        if layer == "staging" and RAW_TABLES not in {dep.asset_key for dep in spec.deps}:
            spec = spec.replace_attributes(deps=[*spec.deps, dg.AssetDep(RAW_TABLES)])
        if columns := self._lineage.get(unique_id):
            spec = spec.merge_attributes(metadata=self._told(manifest, spec, columns))
        return spec

    def _told(
        self, manifest: Mapping[str, Any], spec: dg.AssetSpec, columns: Columns
    ) -> dict[str, Any]:
        """The lineage for whoever asks Dagster, and, for its UI, which shows none, in words."""
        made_of = {
            name: [
                dg.TableColumnDep(
                    self.get_asset_key(self.get_resource_props(manifest, one.parent)), one.name
                )
                for one in those
            ]
            for name, those in columns.items()
        }
        described = [
            dg.TableColumn(
                one.name, one.type, _with_origin(one.description, made_of.get(one.name, []))
            )
            for one in spec.metadata["dagster/column_schema"].columns
        ]
        return {
            "dagster/column_lineage": dg.TableColumnLineage(made_of),
            "dagster/column_schema": dg.TableSchema(described),
        }


def _with_origin(description: str | None, made_of: Sequence[dg.TableColumnDep]) -> str:
    """The description, and behind it a link to each asset that the column comes from."""
    links = [_link(dep) for dep in made_of[:_ORIGINS_SHOWN]]
    if len(made_of) > len(links):
        links.append(f"{len(made_of) - len(links)} more")
    told = f"From {', '.join(links)}" if links else ""
    return "\n\n".join(filter(None, (description, told)))


def _link(dep: dg.TableColumnDep) -> str:
    name = dep.asset_key.to_user_string()
    return f"[{name}](/assets/{name}).{dep.column_name}"


def all_told(context: dg.AssetExecutionContext, events: Iterable[Any]) -> Iterator[Any]:
    """What dbt tells; Dagster skips what hangs on a model that it heard nothing of.

    Raises:
        dagster.Failure: a model or seed of the step is missing.

    """
    missing = set(context.selected_asset_keys)
    for event in events:
        if isinstance(event, dg.Output):
            missing.discard(context.asset_key_for_output(event.output_name))
        yield event
    if missing:
        named = sorted(key.to_user_string() for key in missing)
        raise dg.Failure(
            f"dbt told of no result of {len(named)} tables: {', '.join(named[:_MISSING_SHOWN])}",
            allow_retries=False,
        )


def _build(
    context: dg.AssetExecutionContext,
    night: Night,
    dbt: DbtCliResource,
    project: DbtProject,
    *,
    is_first: bool,
) -> Iterator[Any]:
    """One `dbt build` of the selected models and their data tests (unit tests are for CI).

    Where the whole half is asked for, what stands as it was last built is left as it is.
    """
    # The day goes by the environment, for the test that compares it with the stamp of raw.build:
    # a changed --vars would cost a full parse.
    enter_dbt_environment(night.settings)
    os.environ["TIEOUT_SNAPSHOT_DATE"] = day_of(context.partition_key).isoformat()
    half = FIRST_HALF if is_first else SECOND_HALF
    keys = {spec.metadata[_UNIQUE_ID]: spec.key for spec in context.assets_def.specs}
    names = {".".join(key.path) for key in keys.values()}
    fingerprint = standing.fingerprint(source_files())
    # that of the assets: a company's own target folder has none where the daemon runs its nights
    manifest = json.loads(Path(project.manifest_path).read_text("utf-8"))
    with night.warehouse(read_only=False) as con:
        versions = standing.versions(con, manifest["sources"])
        built_of = standing.take(con, half, fingerprint, names)
        turned = standing.turns(con, manifest, keys) if built_of is not None else {}
        ((records,),) = con.sql(_RECORDS).fetchall()
    if night.settings.engine == "spark":
        yield from build_on_spark(context, night, dbt, manifest, is_first=is_first)
        return
    nodes, stays = manifest["nodes"], set[str]()
    if built_of is not None and not context.is_subset:
        os.environ["TIEOUT_STANDING"] = half
        known = versions | turned
        changed = [
            id_ for id_ in (*manifest["sources"], *turned) if built_of.get(id_) != known.get(id_)
        ]
        stays = keys.keys() & standing.unaffected(manifest, changed)
    invocation = dbt.cli(
        # nobody reads the manifest and the results that dbt would write anew each time
        ["build", "--exclude-resource-type", "unit_test", "--no-write-json"]
        + (
            ["--exclude", " ".join(".".join(nodes[id_]["fqn"]) for id_ in sorted(stays))]
            if stays
            else []
        )
        + (["--threads", "1"] if records > MOST_RECORDS_OF_TWO else []),
        context=context,
        target_path=night.settings.dbt_target_dir,
    )
    told = invocation.stream()
    yield from (
        _with_standing(context, told, frozenset(keys[id_] for id_ in stays)) if stays else told
    )
    if not context.is_subset:
        with night.warehouse(read_only=False) as con:
            turned = standing.turns(con, manifest, keys)
            standing.note_built(con, half, fingerprint, names, versions | turned)


def _with_standing(
    context: dg.AssetExecutionContext, events: Iterable[Any], stays: frozenset[dg.AssetKey]
) -> Iterator[Any]:
    """What dbt tells, and of what stays as it was, each behind what it is made of.

    Checks of nothing but that passed when it was built.
    """
    made_of = {key: context.assets_def.asset_deps[key] & context.assets_def.keys for key in stays}
    told: set[dg.AssetKey] = set()

    def next_standing() -> Iterator[dg.Output[None]]:
        while ready := [key for key, parents in made_of.items() if parents <= told]:
            for key in ready:
                del made_of[key]
                told.add(key)
                yield dg.Output(None, context.assets_def.get_output_name_for_asset_key(key))

    yield from next_standing()
    for event in events:
        yield event
        if isinstance(event, dg.Output):
            told.add(context.asset_key_for_output(event.output_name))
            yield from next_standing()
    for spec in context.assets_def.check_specs:
        if {spec.asset_key, *(dep.asset_key for dep in spec.additional_deps)} <= stays:
            yield dg.AssetCheckResult(passed=True, asset_key=spec.asset_key, check_name=spec.name)


def build_dbt_assets(project: DbtProject, lineage: Lineage) -> list[dg.AssetsDefinition]:
    """Both halves of the project, from its parsed manifest."""
    common: dict[str, Any] = {
        "manifest": project.manifest_path,
        "project": project,
        "partitions_def": snapshot_days,
        "backfill_policy": one_day_at_a_time,
        "dagster_dbt_translator": LayerTranslator(lineage),
        "pool": WAREHOUSE_POOL,
    }

    @dbt_assets(
        select=BEFORE_IDENTITY, exclude=GRAINS_OF_MODELS, name="models_before_identity", **common
    )
    def models_before_identity(
        context: dg.AssetExecutionContext, night: dg.ResourceParam[Night], dbt: DbtCliResource
    ) -> Iterator[Any]:
        yield from all_told(context, _build(context, night, dbt, project, is_first=True))

    @dbt_assets(
        exclude=f"{BEFORE_IDENTITY} {GRAINS_OF_MODELS}", name="models_after_identity", **common
    )
    def models_after_identity(
        context: dg.AssetExecutionContext, night: dg.ResourceParam[Night], dbt: DbtCliResource
    ) -> Iterator[Any]:
        yield from all_told(context, _build(context, night, dbt, project, is_first=False))

    return [models_before_identity, models_after_identity]
