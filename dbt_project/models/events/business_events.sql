-- The event log up to this day, and behind its end what this night is the first to see. The log is the truth: what stands in
-- it is never derived again.
with logged as (
    select * from {{ source('event_log', 'events') }}
),

known as (
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
        and known.event_id not in (select logged.event_id from logged)
        -- an instant that a source does not know yet: the event waits for the night that does
        and (known.occurred_at is not null or known.object in ('contract', 'opportunity', 'subscription'))
),

dated as (
    select
        fresh.event_id,
        fresh.event_type,
        types.rank,
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
    left join {{ ref('event_types') }} as types on fresh.event_type = types.event_type
)

select
    event_id,
    event_type,
    occurred_at,
    detected_date,
    detected_at,
    cast(
        coalesce((select max(logged.sequence) from logged), 0)
        + row_number() over (order by occurred_at, rank, system, source_id, event_id)
        as bigint
    ) as sequence,
    system,
    object,
    source_id,
    subject_kind,
    subject_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor,
    before_json,
    after_json
from dated

union all

select
    event_id,
    event_type,
    occurred_at,
    detected_date,
    detected_at,
    sequence,
    system,
    object,
    source_id,
    subject_kind,
    subject_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor,
    before_json,
    after_json
from logged
