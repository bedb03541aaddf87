-- What this night is the first to see, in its order. The log is the truth: what stands in it is never derived again.
with known as (
    select
        {{ event_id('event_type', 'system', 'object', 'source_id', 'occurrence') }} as event_id,
        *
    from {{ ref('happenings') }}
),

fresh as (
    select
        known.*,
        build.snapshot_date as detected_date,
        -- up to when the object was read in the snapshot that shows it
        coalesce(snapshots.watermark_at, cast(build.snapshot_date as timestamp)) as detected_at
    from known
    cross join {{ ref('stg_control__build') }} as build
    left join {{ ref('stg_control__snapshots') }} as snapshots
        on known.system = snapshots.system and known.object = snapshots.object
    where
        {{ night_is_new() }}
        and not exists (
            select 1 from {{ source('event_log', 'events') }} as logged
            where logged.event_id = known.event_id
        )
        -- an instant that a source does not know yet: the event waits for the night that does
        and (known.occurred_at is not null or known.object in ('contract', 'opportunity', 'subscription'))
),

dated as (
    select
        fresh.event_id,
        fresh.event_type,
        coalesce(fresh.occurred_at, fresh.detected_at) as occurred_at,
        fresh.detected_date,
        fresh.detected_at,
        fresh.system,
        fresh.object,
        fresh.source_id,
        fresh.subject_kind,
        fresh.subject_id,
        fresh.canonical_customer_id,
        fresh.correlation_id,
        fresh.legal_entity,
        fresh.currency,
        fresh.amount_minor,
        fresh.before_json,
        fresh.after_json
    from fresh
),

placed as (
    -- a window takes every column that it is given through its sort: so it is given no more than it sorts by
    select
        dated.event_id,
        row_number() over (
            order by dated.occurred_at, types.rank, dated.system, dated.source_id, dated.event_id
        ) as place
    from dated
    left join {{ ref('event_types') }} as types on dated.event_type = types.event_type
)

select
    dated.event_id,
    dated.event_type,
    dated.occurred_at,
    dated.detected_date,
    dated.detected_at,
    cast(coalesce((select max(logged.sequence) from {{ source('event_log', 'events') }} as logged), 0) + placed.place as bigint) as sequence,
    dated.system,
    dated.object,
    dated.source_id,
    dated.subject_kind,
    dated.subject_id,
    dated.canonical_customer_id,
    dated.correlation_id,
    dated.legal_entity,
    dated.currency,
    dated.amount_minor,
    dated.before_json,
    dated.after_json
from dated
inner join placed on dated.event_id = placed.event_id
