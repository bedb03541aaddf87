{# 64-bit hash of the compared attributes in exact canonical form. Equal fingerprints mean that no field rule can fire;
   they are compared within one build of one engine only. #}
{% macro fingerprint(columns) -%}
    {{ return(adapter.dispatch('fingerprint', 'tieout')(columns)) }}
{%- endmacro %}

{% macro default__fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{# Compared rows of the leading side (with `is_alike`): those that differ one by one, those that are alike as totals of each
   legal entity, currency and period. Keys are put together for what is left alone. #}
{% macro folded_pairs(compared, id, prefix) -%}
select
    case
        when is_alike then concat_ws('|', 'alike', coalesce(legal_entity, ''), coalesce(currency, ''), coalesce(period, ''))
        else '{{ prefix }}' || {{ id }}
    end as row_key,
    *
from (
    select
        is_alike,
        case when not is_alike then {{ id }} end as {{ id }},
        {%- for column in ['legal_entity', 'currency', 'period'] %}
        case when is_alike then {{ column }} end as {{ column }},
        {%- endfor %}
        count(*) as row_count,
        cast(coalesce(sum(case when is_alike then amount_minor end), 0) as bigint) as amount_minor
    from {{ compared }}
    group by all
) as folded
{%- endmacro %}
