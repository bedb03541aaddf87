-- Business events that this night was the first to see, by type, and the hours since the night before; none in the first night,
-- which sees the whole past.
with nights as (
    select
        build.snapshot_date,
        max(days.detected_date) as night_before_date
    from {{ ref('stg_control__build') }} as build
    inner join {{ source('event_log', 'days') }} as days on days.detected_date < build.snapshot_date
    group by build.snapshot_date
)

select
    types.event_type,
    count(events.event_id) as event_count,
    24 * {{ days_between('nights.night_before_date', 'nights.snapshot_date') }} as hours
from nights
cross join {{ ref('event_types') }} as types
left join {{ ref('business_events') }} as events
    on types.event_type = events.event_type and nights.snapshot_date = events.detected_date
group by types.event_type, nights.night_before_date, nights.snapshot_date
