{# Raises where a relation breaks a grain test of its model. A night looks at once, as it makes the model: 272 tests of their own
   take dbt longer than all tables. #}
{% macro require_grain(relation, unique_id) %}
  {%- for test in graph.nodes.values() if test.get('attached_node') == unique_id and test.test_metadata.name == 'grain' -%}
    {%- set columns = test.test_metadata.kwargs['columns'] -%}
    {%- for broken in run_query(tieout.test_grain(relation, columns) ~ ' limit 1') -%}
      {%- do exceptions.raise_compiler_error(
        'Got ' ~ broken['copies'] ~ ' rows of ' ~ relation ~ ' where (' ~ columns | join(', ') ~ ') is ('
        ~ broken.values()[:-1] | join(', ') ~ '), one by its grain at most, of a key that is never null'
      ) -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}

{# The same for models that another engine made: `dbt run-operation require_grains --args '{unique_ids: [...]}'`. #}
{% macro require_grains(unique_ids) %}
  {%- for unique_id in unique_ids -%}
    {%- do tieout.require_grain(graph.nodes[unique_id].relation_name, unique_id) -%}
  {%- endfor -%}
{% endmacro %}

{# The same for views that stand as an earlier night made them, of the half that TIEOUT_STANDING names: what they show is new.
   Those over raw tables are looked at before anything is made of them, the others when all is made. #}
{% macro require_standing_grains(over_models) %}
  {%- if execute and env_var('TIEOUT_STANDING', '') -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'view' -%}
      {%- set is_over_models = ' model.' in ' ' ~ node.depends_on.nodes | join(' ') -%}
      {%- if is_over_models == over_models
        and ('before_identity' in node.tags) == (env_var('TIEOUT_STANDING') == 'before_identity') -%}
        {%- do tieout.require_grain(node.relation_name, node.unique_id) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}
