-- Changes that no history tells, seen as the difference between the last night and this one: one happening per commercial
-- object and night. What its field history told of the same attribute since the value before was recorded is left to it.
with told as (
    select
        history.record_id,
        history.attribute,
        -- what the log does not hold yet is told tonight
        max(coalesce(logged.detected_date, date '9999-12-31')) as told_date
    from {{ ref('happenings__field_history') }} as history
    left join {{ source('event_log', 'events') }} as logged
        on {{ event_id('history.event_type', 'history.system', 'history.object', 'history.source_id', 'history.occurrence') }}
        = logged.event_id
    group by history.record_id, history.attribute
),

changes as (
    select
        case
            when changes.object in ('contract', 'contract_line') then 'contract_amended'
            when changes.object = 'opportunity' then 'renewal_forecast_updated'
            else 'subscription_changed'
        end as event_type,
        changes.*,
        case when changes.source_id = changes.subject_id then '' else changes.source_id || '.' end
        || changes.attribute as member
    from {{ ref('event_attribute_changes') }} as changes
    left join told
        on
            changes.source_id = told.record_id
            and replace(changes.attribute, 'amount_minor', 'amount') = told.attribute
            and coalesce(changes.known_since_date, date '1970-01-01') < told.told_date
    where changes.is_known_subject and told.record_id is null
),

amended as (
    -- a contract is amended once it was in force; before that it is being negotiated or activated
    select changes.*
    from changes
    left join {{ source('event_log', 'states') }} as was
        on
            was.object = 'contract'
            and was.attribute = 'status'
            and was.value = 'activated'
            and changes.subject_id = was.source_id
    where changes.event_type <> 'contract_amended' or was.source_id is not null
)

select
    event_type,
    system,
    case event_type
        when 'contract_amended' then 'contract'
        when 'renewal_forecast_updated' then 'opportunity'
        else 'subscription'
    end as object,
    subject_id as source_id,
    -- the same change of the same version has the same id; the same change made again is another version
    md5(string_agg(
        concat_ws('|', member, coalesce(value_before, ''), coalesce(value_after, ''), coalesce(cast(modified_at as varchar), '')),
        ';' order by member
    )) as occurrence,
    -- what is gone has no time of its own: then the night tells it
    max(modified_at) as occurred_at,
    {{ json_gathered('member', 'value_before') }} as before_json,
    {{ json_gathered('member', 'value_after') }} as after_json
from (select distinct * from amended) as amended
group by event_type, system, subject_id
