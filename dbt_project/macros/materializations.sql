{# A table or a view in one statement. dbt's own makes it under another name, and then moves two relations and drops one: each
   of these costs more than most of our models do. DuckDB replaces a relation whole, or leaves the one that was there. #}

{% materialization table, adapter='duckdb' %}
  {{ return(replaced_whole('table')) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
  {{ return(replaced_whole('view')) }}
{% endmaterialization %}

{# Where columns of a table grow with every reading (`coverage` in time.sql), it is a view over the table that holds the rest. Its
   columns are named one by one: DuckDB tells those of `replace` in another order each time it is asked for the view. #}
{% macro replaced_whole(kind) %}
  {%- set growing = modules.re.findall('/\\* until (\\w+) ([\\w ]+) \\*/', sql) -%}
  {%- set until = dict(growing) -%}
  {%- if growing and (kind == 'view' or until | length != growing | unique | list | length
    or until.keys() | reject('in', model['columns']) | list) -%}
    {%- do exceptions.raise_compiler_error(
      'coverage() is for columns of a table with a contract, of one watermark in all parts of a union: ' ~ growing
    ) -%}
  {%- endif -%}
  {%- set shown = 'view' if growing else kind -%}
  {%- set target = this.incorporate(type=shown) -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and existing.type != shown -%}
    {%- do adapter.drop_relation(existing) -%}
  {%- endif -%}
  {%- set made = this.incorporate(path={'identifier': this.identifier ~ '__held'}) if growing else target -%}
  {%- call statement('main') -%}
    create or replace {{ kind }} {{ made }} as (
      {{ sql }}
    );
    {% if growing %}
    create or replace view {{ target }} as
    select
      {% for name in model['columns'] -%}
      {{ name }}
      {%- if name in until %}
      + {{ seconds_between(tieout.epoch(), tieout.watermarks(*until[name].split(' '))) }} as {{ name }}
      {%- endif %}{{ ', ' if not loop.last }}
      {% endfor %}
    from {{ made }}
    {% endif %}
  {%- endcall -%}
  {%- if config.get('contract').enforced and not tieout.is_as_contracted(made) -%}
    {%- do get_assert_columns_equivalent(sql) -%}
  {%- endif -%}
  {%- do tieout.require_grain(target, model['unique_id']) -%}
  {{ return({'relations': [target]}) }}
{% endmacro %}

{# Whether the relation has the columns of its contract, in their order and by the very names of their types. dbt plans a query
   once more to learn its columns, which takes longer than to run it on a small night: it does so only where names differ. #}
{% macro is_as_contracted(relation) %}
  {%- set made = [] -%}
  {%- for column in run_query("select name, type from pragma_table_info('" ~ relation.schema ~ "." ~ relation.identifier ~ "')") -%}
    {%- do made.append((column['name'], column['type'] | lower)) -%}
  {%- endfor -%}
  {%- set told = [] -%}
  {%- for column in model['columns'].values() -%}
    {%- do told.append((column['name'], column['data_type'] | lower)) -%}
  {%- endfor -%}
  {{ return(made == told) }}
{% endmacro %}
