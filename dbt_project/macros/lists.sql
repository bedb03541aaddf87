{# A list of those of the texts that are not null. #}
{% macro list_of(values) -%}
    list_filter(cast([{{ values | join(', ') }}] as varchar[]), lambda member: member is not null)
{%- endmacro %}

{# An aggregate: the different texts of a group, in their order; null where the group has none. #}
{% macro list_gathered(value) -%}
    {{ return(adapter.dispatch('list_gathered', 'tieout')(value)) }}
{%- endmacro %}

{% macro default__list_gathered(value) -%}
    list(distinct {{ value }} order by {{ value }}) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro spark__list_gathered(value) -%}
    nullif(sort_array(collect_set({{ value }})), array())
{%- endmacro %}

{# The words of a free text, as ids and document numbers are written: letters and digits, joined by - or _. #}
{% macro words_of(text) -%}
    regexp_extract_all({{ text }}, '[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*')
{%- endmacro %}
