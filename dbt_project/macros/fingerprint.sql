{# 64-bit hash of the compared attributes in exact canonical form. Equal fingerprints mean that no field rule can fire;
   they are compared within one build of one engine only. #}
{% macro fingerprint(columns) -%}
    {{ return(adapter.dispatch('fingerprint', 'tieout')(columns)) }}
{%- endmacro %}

{% macro default__fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{# Spark's hash passes over nulls: where they stand is hashed too. #}
{% macro spark__fingerprint(columns) -%}
    xxhash64({{ columns | join(', ') }}, {{ columns | join(' is null, ') }} is null)
{%- endmacro %}

{# Rows of the leading side that are alike on the other one, as totals of each legal entity, currency and period: all rows
   less those that are not. #}
{% macro folded_totals(rows, unlike, amount) -%}
select
    concat_ws('|', coalesce(legal_entity, ''), coalesce(currency, ''), coalesce(period, '')) as row_key,
    legal_entity,
    currency,
    period,
    cast(sum(row_count) as bigint) as row_count,
    cast(sum(amount_minor) as bigint) as amount_minor
from (
    {%- for relation, sign in [(rows, ''), (unlike, '-')] %}
    select
        legal_entity,
        currency,
        period,
        {{ sign }}count(*) as row_count,
        {{ sign }}coalesce(sum({{ amount }}), 0) as amount_minor
    from {{ relation }}
    group by legal_entity, currency, period
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
) as sums
group by legal_entity, currency, period
having sum(row_count) <> 0
{%- endmacro %}
