-- One row per object of a source: its latest reading as of the day that the warehouse is built for.
select
    system,
    object,
    cast(snapshot_date as date) as snapshot_date,
    cast(watermark_at as timestamp) as watermark_at,
    cast(coalesce(source_count_before, source_count) as bigint) as source_count_before,
    cast(source_count as bigint) as source_count,
    cast(landed_count as bigint) as landed_count,
    cast(quarantined_count as bigint) as quarantined_count
from {{ source('control', 'snapshots') }}
