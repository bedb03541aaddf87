{# 64-bit hash of the compared attributes in exact canonical form. Equal fingerprints mean that no field rule can fire;
   they are compared within one build of one engine only. #}
{% macro fingerprint(columns) -%}
    {{ return(adapter.dispatch('fingerprint', 'tieout')(columns)) }}
{%- endmacro %}

{% macro default__fingerprint(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}
