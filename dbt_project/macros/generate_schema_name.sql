{# A folder's schema is named as it is written, so that asset keys and SQL read `canonical.invoices`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name is not none else target.schema }}
{%- endmacro %}
