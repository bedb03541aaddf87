{# 64-bit hash of the compared attributes in exact canonical form. Equal fingerprints mean that no field rule can fire;
   they are compared within one build of one engine only. #}
{% macro fingerprint(columns) -%}
    {{ return(adapter.dispatch('fingerprint', 'tieout')(columns)) }}
{%- endmacro %}

{% macro default__fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{# Pairs in one pass: those that differ one by one, with these columns and the key that is made of them, and those that
   are alike as totals of each legal entity, currency and period. Keys are put together for what is left alone. #}
{% macro folded_pairs(pairs, key, columns) -%}
select
    case
        when is_alike then concat_ws('|', 'alike', coalesce(legal_entity, ''), coalesce(currency, ''), coalesce(period, ''))
        else {{ key }}
    end as row_key,
    *
from (
    select
        is_alike,
        {%- for column in columns %}
        case when not is_alike then {{ column }} end as {{ column }},
        {%- endfor %}
        {%- for column in ['legal_entity', 'currency', 'period'] %}
        case when is_alike then {{ column }} end as {{ column }},
        {%- endfor %}
        count(*) as row_count,
        cast(coalesce(sum(case when is_alike then amount_minor end), 0) as bigint) as amount_minor
    from {{ pairs }}
    group by all
) as folded
{%- endmacro %}

{# The key of a row that billing leads, or that stands in the ERP alone. #}
{% macro billing_or_erp_key() -%}
    coalesce('stripe:' || billing_id, 'netsuite:' || erp_id)
{%- endmacro %}
