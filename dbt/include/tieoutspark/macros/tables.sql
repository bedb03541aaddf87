{# A view is a table here: Spark plans a view anew in each query that reads it, and our models stand ten deep on one another. #}
{% materialization view, adapter='tieoutspark' %}
  {{ return(materialization_table_spark()) }}
{% endmaterialization %}

{% macro tieoutspark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    create table {{ relation }} using parquet as
    {{ adapter.spark_sql(as_the_contract_says(compiled_code)) }}
{%- endmacro %}

{# The columns of the contract in its order and of its types: which whole number or decimal an expression is, each engine
   says for itself. A value that does not fit ends the model. #}
{% macro as_the_contract_says(query) -%}
    {%- if config.get('contract').enforced -%}
    select
        {%- for column in model['columns'].values() %}
        cast({{ column['name'] }} as {{ column['data_type'] }}) as {{ column['name'] }}{{ ',' if not loop.last }}
        {%- endfor %}
    from ({{ query }}) as model_query
    {%- else -%}
    {{ query }}
    {%- endif -%}
{%- endmacro %}

{% macro tieoutspark__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {{ return(adapter.spark_sql(default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit))) }}
{%- endmacro %}

{# Parquet files as tables: `dbt run-operation register_parquet --args '{folder: /data/sources, tables: [[raw, build]]}'`.
   The files of a table stand in <folder>/<schema>/<table>/. #}
{% macro register_parquet(folder, tables) -%}
    {%- for schema in tables | map('first') | unique %}
    {%- do run_query('create schema if not exists ' ~ schema) -%}
    {%- endfor %}
    {%- for schema, name in tables %}
    {%- do run_query('drop table if exists ' ~ schema ~ '.' ~ name) -%}
    {%- do run_query(
        'create table ' ~ schema ~ '.' ~ name ~ " using parquet location '" ~ folder ~ '/' ~ schema ~ '/' ~ name ~ "'"
    ) -%}
    {%- endfor %}
{%- endmacro %}
