{{ config(materialized='view') }}

-- The event log up to this day, and behind its end what this night is the first to see.
{% set columns = [
    'event_id', 'event_type', 'occurred_at', 'detected_date', 'detected_at', 'sequence', 'system', 'object', 'source_id',
    'subject_kind', 'subject_id', 'canonical_customer_id', 'correlation_id', 'legal_entity', 'currency', 'amount_minor',
    'before_json', 'after_json',
] %}
select {{ columns | join(', ') }} from {{ source('event_log', 'events') }}
union all
select {{ columns | join(', ') }} from {{ ref('fresh_events') }}
-- what an earlier night was the first to see stands in the log since
where detected_date > coalesce((select max(logged.detected_date) from {{ source('event_log', 'events') }} as logged), date '1970-01-01')
