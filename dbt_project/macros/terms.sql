{# By what span the items of each subscription are billed, where they agree, in the words of the contract. #}
{% macro billing_frequencies() -%}
    select
        subscription_id,
        case when min(span_months) = max(span_months) then
            case min(span_months) when 1 then 'monthly' when 3 then 'quarterly' when 12 then 'annual' end
        end as billing_frequency
    from {{ ref('subscription_items') }}
    group by subscription_id
{%- endmacro %}
