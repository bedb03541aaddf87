{# Per attribute the records of its owner come first (seed system_of_record), then the other roles; within a role the
   primary record. #}
{% macro golden(attribute, order) -%}
    arg_min({{ attribute }}, {{ order }}) filter (where {{ attribute }} is not null)
{%- endmacro %}
