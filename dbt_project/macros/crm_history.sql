{# Up to when a contract with its lines, or an opportunity, was read together with the history of its fields (UTC): what
   changed later may show in the record and not yet in its history, or the other way round. Null when none was read. #}
{% macro crm_history_read_until(object) -%}
    case
        when {{ object }} = 'opportunity' then {{ earliest_watermark(['opportunity', 'opportunity_history']) }}
        else {{ earliest_watermark(['contract', 'contract_line', 'contract_history', 'contract_line_history']) }}
    end
{%- endmacro %}

{% macro earliest_watermark(objects) -%}
    (
        select min(watermark_at)
        from {{ ref('stg_control__snapshots') }}
        where system = 'salesforce' and object in ('{{ objects | join("', '") }}')
    )
{%- endmacro %}
