{# Whether the event log ends before the day that the warehouse is built for. The log only grows at its end: an older night
   that is replayed adds nothing to it. #}
{% macro night_is_new() -%}
    (select snapshot_date from {{ ref('stg_control__build') }})
    > coalesce((select max(detected_date) from {{ source('event_log', 'days') }}), date '1970-01-01')
{%- endmacro %}
