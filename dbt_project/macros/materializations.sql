{# A table or a view in one statement. dbt's own makes it under another name, and then moves two relations and drops one: each
   of these costs more than most of our models do. DuckDB replaces a relation whole, or leaves the one that was there. #}

{% materialization table, adapter='duckdb' %}
  {{ return(replaced_whole('table')) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
  {{ return(replaced_whole('view')) }}
{% endmaterialization %}

{% macro replaced_whole(kind) %}
  {%- set target = this.incorporate(type=kind) -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and existing.type != kind -%}
    {%- do adapter.drop_relation(existing) -%}
  {%- endif -%}
  {%- call statement('main') -%}
    create or replace {{ kind }} {{ target }} as (
    {%- if config.get('contract').enforced -%}
      {{ get_assert_columns_equivalent(sql) }}
      {{ get_select_subquery(sql) }}
    {%- else -%}
      {{ sql }}
    {%- endif %}
    )
  {%- endcall -%}
  {{ return({'relations': [target]}) }}
{% endmacro %}
