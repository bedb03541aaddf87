{# A JSON object as text, members in the order given, nulls kept: the same values give the same bytes. `members` maps each
   name to its SQL. Money goes in as whole minor units, decimals as text. #}
{% macro json_of(members) -%}
    cast(json_object({% for name, value in members.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}

{# An aggregate: one JSON object of all rows of a group, ordered by name; null when the group has none. #}
{% macro json_gathered(name, value) -%}
    {{ return(adapter.dispatch('json_gathered', 'tieout')(name, value)) }}
{%- endmacro %}

{% macro default__json_gathered(name, value) -%}
    '{' || string_agg(
        to_json({{ name }}) || ':' || coalesce(cast(to_json({{ value }}) as varchar), 'null'), ','
        order by {{ name }}, cast(to_json({{ value }}) as varchar)
    ) || '}'
{%- endmacro %}

{% macro spark__json_gathered(name, value) -%}
    to_json(map_from_entries(sort_array(collect_list(struct({{ name }}, {{ value }})))))
{%- endmacro %}

{# The id of one happening: the same in every night and in every rebuild. `occurrence` tells two happenings of the same type
   on the same record apart. #}
{% macro event_id(event_type, system, object, source_id, occurrence) -%}
    md5(concat_ws('|', {{ event_type }}, {{ system }}, {{ object }}, {{ source_id }}, {{ occurrence }}))
{%- endmacro %}

{# How many members a JSON array has; null or 0 for a text that is none, whatever stands in it. #}
{% macro json_array_size(text) -%}
    {{ return(adapter.dispatch('json_array_size', 'tieout')(text)) }}
{%- endmacro %}

{% macro default__json_array_size(text) -%}
    case when json_valid({{ text }}) then json_array_length({{ text }}) end
{%- endmacro %}

{% macro spark__json_array_size(text) -%}
    json_array_length({{ text }})
{%- endmacro %}

{# JSON text as nested values in one pass: reading a member by its path parses the whole text again. `shape` is the part that
   is wanted, as a mapping or a list of one; its leaves are read as text, so that a cast tells what is no number. What is
   missing, or stands in another shape, is null. #}
{% macro json_shaped(text, shape) -%}
    {{ return(adapter.dispatch('json_shaped', 'tieout')(text, shape)) }}
{%- endmacro %}

{% macro default__json_shaped(text, shape) -%}
    from_json({{ text }}, '{{ tojson(shape) }}')
{%- endmacro %}

{% macro spark__json_shaped(text, shape) -%}
    from_json({{ text }}, '{{ tieout.spark_type(shape) }}')
{%- endmacro %}

{% macro spark_type(shape) -%}
    {%- if shape is mapping -%}
        struct<{% for name, inner in shape.items() %}`{{ name }}`:{{ tieout.spark_type(inner) }}{{ ', ' if not loop.last }}{% endfor %}>
    {%- elif shape is string -%}
        string
    {%- else -%}
        array<{{ tieout.spark_type(shape[0]) }}>
    {%- endif -%}
{%- endmacro %}
