{# A table or a view in one statement. dbt's own makes it under another name, and then moves two relations and drops one: each
   of these costs more than most of our models do. DuckDB replaces a relation whole, or leaves the one that was there. #}

{% materialization table, adapter='duckdb' %}
  {{ return(replaced_whole('table')) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
  {{ return(replaced_whole('view')) }}
{% endmaterialization %}

{# Where columns of a table change with every reading (`coverage`, `when_read` in time.sql), it is a view over the table that
   holds the rest. Its columns are named one by one: DuckDB tells those of `replace` in another order each time it is asked for
   the view. #}
{% macro replaced_whole(kind) %}
  {%- set late = [] -%}
  {%- for name, until in modules.re.findall('/\\* until (\\w+) ([\\w ]+) \\*/', sql) -%}
    {%- do late.append((name, name ~ ' + ' ~ seconds_between(tieout.epoch(), tieout.watermarks(*until.split(' '))))) -%}
  {%- endfor -%}
  {%- do late.extend(modules.re.findall('(?s)/\\* shown (\\w+): (.+?) \\*/', sql)) -%}
  {%- set shown_as = dict(late) -%}
  {%- if late and (kind == 'view' or shown_as | length != late | unique | list | length
    or shown_as.keys() | reject('in', model['columns']) | list) -%}
    {%- do exceptions.raise_compiler_error(
      'coverage() and when_read() are for columns of a table with a contract, alike in all parts of a union: ' ~ late
    ) -%}
  {%- endif -%}
  {%- set shown = 'view' if late else kind -%}
  {%- set target = this.incorporate(type=shown) -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and existing.type != shown -%}
    {%- do adapter.drop_relation(existing) -%}
  {%- endif -%}
  {%- set made = this.incorporate(path={'identifier': this.identifier ~ '__held'}) if late else target -%}
  {%- call statement('main') -%}
    create or replace {{ kind }} {{ made }} as (
      {{ sql }}
    );
    {% if late %}
    create or replace view {{ target }} as
    select
      {% for name in model['columns'] -%}
      {{ shown_as[name] ~ ' as ' if name in shown_as }}{{ name }}{{ ', ' if not loop.last }}
      {% endfor %}
    from {{ made }}
    {% endif %}
  {%- endcall -%}
  {%- if config.get('contract').enforced and not tieout.is_as_contracted(target) -%}
    {%- do get_assert_columns_equivalent('select * from ' ~ target if late else sql) -%}
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
