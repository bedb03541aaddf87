-- Tonight's values beside the last ones that the event log knows: what is new, what changed, what is gone (value null).
-- A night that lies before the end of the log, or that the log holds already, changes nothing.
with states as (
    select
        *,
        row_number() over (partition by system, object, source_id, attribute order by detected_date desc) as recency
    from {{ source('event_log', 'states') }}
),

last_known as (
    -- a value that is gone is known to be gone: an aggregate such as max_by() would pass over the null
    select
        system,
        object,
        source_id,
        attribute,
        subject_id,
        value,
        detected_date
    from states
    where recency = 1
),

known_subjects as (
    select distinct
        system,
        subject_id
    from last_known
),

compared as (
    select
        coalesce(today.system, last_known.system) as system,
        coalesce(today.object, last_known.object) as object,
        coalesce(today.source_id, last_known.source_id) as source_id,
        coalesce(today.subject_id, last_known.subject_id) as subject_id,
        coalesce(today.attribute, last_known.attribute) as attribute,
        last_known.value as value_before,
        today.value as value_after,
        last_known.detected_date as known_since_date,
        today.modified_at
    from {{ ref('event_attributes') }} as today
    full outer join last_known
        on
            today.system = last_known.system
            and today.object = last_known.object
            and today.source_id = last_known.source_id
            and today.attribute = last_known.attribute
    where
        (
            today.value is distinct from last_known.value
            or (last_known.source_id is null and today.source_id is not null)
        )
        -- what the CRM's history was not read far enough to tell waits for the night that reads on
        and not coalesce(
            last_known.system = 'salesforce' and today.modified_at > {{ crm_history_read_until('today.object') }}, false
        )
)

select
    compared.*,
    known_subjects.subject_id is not null as is_known_subject
from compared
left join known_subjects on compared.system = known_subjects.system and compared.subject_id = known_subjects.subject_id
where {{ night_is_new() }}
