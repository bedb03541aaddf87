{# 64-bit hash of the compared attributes in exact canonical form. Equal fingerprints mean that no field rule can fire;
   they are compared within one build of one engine only. #}
{% macro fingerprint(columns) -%}
    {{ return(adapter.dispatch('fingerprint', 'tieout')(columns)) }}
{%- endmacro %}

{% macro default__fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{# Pairs in one pass: those that differ one by one, with these columns, and those that are alike as totals of each legal
   entity, currency and period. #}
{% macro folded_pairs(pairs, columns) -%}
select
    case
        when is_alike then concat_ws('|', 'alike', coalesce(legal_entity, ''), coalesce(currency, ''), coalesce(period, ''))
        else row_key
    end as row_key,
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
{%- endmacro %}
