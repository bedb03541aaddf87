"""What the source systems held: one asset per object, immutable once published.

How a system is read lives in `extractors`; here is only when.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import dagster as dg

from extractors.errors import LateExtraction, SourceError
from extractors.manifest import Manifest
from extractors.protocol import ObjectSpec
from extractors.raw_tables import load_current
from extractors.registry import READ
from extractors.systems import OPTIONAL, SYSTEMS
from orchestration import standing
from orchestration.checks import listed
from orchestration.extraction import Extraction, mirrored, read_system
from orchestration.failures import as_failure
from orchestration.partitions import day_of, one_day_at_a_time, snapshot_days
from orchestration.resources import WAREHOUSE_POOL, Night
from reconcilers.events.log import EventLog


def raw_key(system: str, name: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", system, name])


RAW_TABLES = dg.AssetKey(["raw", "tables"])


def extraction(system: str, objects: Mapping[str, ObjectSpec]) -> dg.AssetsDefinition:
    """All objects of one system, read concurrently inside one step."""

    @dg.multi_asset(
        name=f"extract_{system}",
        specs=[
            dg.AssetSpec(
                key=raw_key(system, name),
                group_name=f"raw_{system}",
                kinds={system, "parquet"},
                owners=["team:revenue-operations"],
                description=f"{spec.vendor_name} of the {SYSTEMS[system].role} as read for the "
                "day: Parquet and a manifest with counts, control totals, cursor and watermark.",
                metadata={"dagster/column_schema": landed(spec)},
            )
            for name, spec in objects.items()
        ],
        partitions_def=snapshot_days,
        backfill_policy=one_day_at_a_time,
        can_subset=True,
    )
    def extract(
        context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
    ) -> Iterator[dg.MaterializeResult]:
        names = sorted(key.path[-1] for key in context.selected_asset_keys)
        day = day_of(context.partition_key)
        try:
            extraction = read_system(night.settings, system, day, names)
        except LateExtraction as error:
            if system not in OPTIONAL:
                raise as_failure(error) from error
            # A night that was stored before the system was connected is replayed without it.
            context.log.warning("%s", error)
            extraction = Extraction([], {})
        except SourceError as error:
            raise as_failure(error) from error
        context.log.info("calls to %s: %s", system, extraction.calls)
        for manifest in extraction.manifests:
            yield dg.MaterializeResult(
                asset_key=raw_key(system, manifest.object), metadata=manifest_metadata(manifest)
            )
        for name in sorted(set(names) - {manifest.object for manifest in extraction.manifests}):
            yield dg.MaterializeResult(
                asset_key=raw_key(system, name),
                metadata={"mode": dg.MetadataValue.text("not read: not connected or known then")},
            )

    return extract


def landed(spec: ObjectSpec) -> dg.TableSchema:
    """Its columns, with the kind that the contract asks of each; most land as text."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                field.column,
                field.kind,
                None if field.path == (field.column,) else f"Sent as `{'.'.join(field.path)}`",
                dg.TableColumnConstraints(
                    nullable=not field.required, unique=(field.column,) == spec.key
                ),
            )
            for field in spec.fields
        ]
    )


def manifest_metadata(manifest: Manifest) -> dict[str, dg.MetadataValue]:
    return {
        "dagster/row_count": dg.MetadataValue.int(manifest.landed),
        "mode": dg.MetadataValue.text(manifest.mode),
        "source_count": dg.MetadataValue.text(
            "not told by the source"
            if manifest.source_count is None
            else str(manifest.source_count)
        ),
        "quarantined": dg.MetadataValue.int(manifest.quarantined),
        "deleted": dg.MetadataValue.int(manifest.deleted),
        "keys scanned": dg.MetadataValue.text(str(manifest.keys_scanned or "not tonight")),
        "schema drift": dg.MetadataValue.text("; ".join(manifest.schema_drift) or "none"),
        "watermark_at": dg.MetadataValue.text(str(manifest.watermark_at)),
    }


@dg.asset(
    key=RAW_TABLES,
    deps=[raw_key(system, name) for system, objects in READ.items() for name in objects],
    group_name="raw_tables",
    kinds={"duckdb"},
    owners=["team:revenue-operations"],
    partitions_def=snapshot_days,
    backfill_policy=one_day_at_a_time,
    pool=WAREHOUSE_POOL,
    check_specs=[
        dg.AssetCheckSpec(
            "schema_drift",
            asset=RAW_TABLES,
            description="No source has new, missing or retyped fields since they were last seen.",
        ),
        dg.AssetCheckSpec(
            "vanished",
            asset=RAW_TABLES,
            description="No key scan found a record gone that the source never told the end of.",
        ),
    ],
)
def raw_tables(
    context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]
) -> dg.MaterializeResult:
    """The latest version of every record as of the day, in DuckDB; stamps the day it is for.

    A table takes in what was read since the night before; where more than that is new it is made
    anew.
    """
    day = day_of(context.partition_key)
    with mirrored(night.settings, *READ), night.warehouse(read_only=False) as con:
        loaded = load_current(con, night.settings.raw_dir, day, standing.fingerprint())
        EventLog(night.settings.event_log_dir).load(con, day)
        ((rows,),) = con.sql("select coalesce(sum(landed_count), 0) from raw.snapshots").fetchall()
        drift = con.sql(
            "select unnest(schema_drift) from raw.manifests where snapshot_date = ?", params=[day]
        ).fetchall()
        vanished = con.sql(
            "select system || '.' || object, key from raw.vanished where missing_on = ?",
            params=[day],
        ).fetchall()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": int(rows),
            **{f"tables {way}": count for way, count in Counter(loaded.values()).items()},
        },
        check_results=[
            _warning("schema_drift", [message for (message,) in drift]),
            _warning("vanished", [f"{name} {key}" for name, key in vanished]),
        ],
    )


def _warning(name: str, found: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"count": len(found), "first": listed(found)},
    )


raw_assets = [extraction(system, objects) for system, objects in READ.items()]
assets = [*raw_assets, raw_tables]
