{# Every path from a child upwards, step by step, as the query `walked` of a WITH list: customer, ancestor, distance,
   path ('/child/.../ancestor/') and next_customer_id, the parent of the ancestor. `edges` is a query of
   canonical_customer_id, parent_customer_id with one row per child. A path ends at the root, before a customer that it
   holds already (a cycle), or after `limit` steps. Plain joins, one for each step: Spark has no recursion over strings. #}
{% macro walked_ancestors(edges, limit) -%}
edges as (
    {{ edges }}
),

step_1 as (
    select
        edges.canonical_customer_id,
        edges.parent_customer_id as ancestor_customer_id,
        '/' || edges.canonical_customer_id || '/' || edges.parent_customer_id || '/' as path
    from edges
    where edges.parent_customer_id <> edges.canonical_customer_id
),
{%- for step in range(2, limit + 1) %}

step_{{ step }} as (
    select
        below.canonical_customer_id,
        edges.parent_customer_id as ancestor_customer_id,
        below.path || edges.parent_customer_id || '/' as path
    from step_{{ step - 1 }} as below
    inner join edges on below.ancestor_customer_id = edges.canonical_customer_id
    where instr(below.path, '/' || edges.parent_customer_id || '/') = 0
),
{%- endfor %}

steps as (
    {%- for step in range(1, limit + 1) %}
    select *, cast({{ step }} as bigint) as distance from step_{{ step }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

walked as (
    select
        steps.canonical_customer_id,
        steps.ancestor_customer_id,
        steps.distance,
        steps.path,
        edges.parent_customer_id as next_customer_id
    from steps
    left join edges on steps.ancestor_customer_id = edges.canonical_customer_id
)
{%- endmacro %}

{# One record of each customer in a role: the primary one, then one that is in use, then the one with the least id. #}
{% macro leading_records(records) -%}
select * from (
    select
        *,
        row_number() over (
            partition by canonical_customer_id order by is_primary desc, is_active desc, source_id
        ) as preference
    from {{ records }}
    where canonical_customer_id is not null
) as ranked
where preference = 1
{%- endmacro %}
