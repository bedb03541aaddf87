with snapshots as (
    select
        snapshots.*,
        max(snapshots.watermark_at) over () as newest_watermark_at,
        cast(build.snapshot_date + interval 1 day as timestamp) as day_ends_at
    from {{ ref('stg_control__snapshots') }} as snapshots
    cross join {{ ref('stg_control__build') }} as build
)

select
    system || '.' || object as row_key,
    'snapshot' as entity,
    cast(null as varchar) as canonical_id,
    cast(null as varchar) as correlation_id,
    object as source_id,
    object as landed_id,
    source_count is not null as has_source,
    true as has_landed,
    cast(null as varchar) as legal_entity,
    cast(null as varchar) as currency,
    cast(null as varchar) as period,
    cast(null as bigint) as source_amount_minor,
    cast(null as bigint) as landed_amount_minor,
    cast(null as varchar) as excluded_reason,
    {{ seconds_between('day_ends_at', 'watermark_at') }} as source_coverage_seconds,
    {{ seconds_between('day_ends_at', 'watermark_at') }} as landed_coverage_seconds,
    watermark_at as event_at,
    system,
    object,
    snapshot_date,
    source_count_before,
    source_count,
    landed_count,
    quarantined_count,
    -- Records come and go while a source is read: anything between its two counts is complete.
    case
        when landed_count + quarantined_count < least(source_count_before, source_count)
            then least(source_count_before, source_count) - landed_count - quarantined_count
        when landed_count + quarantined_count > greatest(source_count_before, source_count)
            then greatest(source_count_before, source_count) - landed_count - quarantined_count
        when source_count is not null then 0
    end as difference,
    watermark_at,
    newest_watermark_at,
    {{ seconds_between('watermark_at', 'newest_watermark_at') }} as staleness_seconds,
    coalesce(watermark_at >= day_ends_at, false) as covers_day
from snapshots
