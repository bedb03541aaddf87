{# For integrity tests: the currencies in which two sides (queries of currency, amount per record) differ in the number of
   records or in the sum of their amounts. No row means that nothing was lost and nothing doubled between them. #}
{% macro unequal_totals(left, right) -%}
with left_side as (
    select currency, count(*) as row_count, coalesce(sum(amount), 0) as amount
    from ({{ left }}) as records
    group by currency
),

right_side as (
    select currency, count(*) as row_count, coalesce(sum(amount), 0) as amount
    from ({{ right }}) as records
    group by currency
)

select
    coalesce(left_side.currency, right_side.currency) as currency,
    left_side.row_count as left_rows,
    right_side.row_count as right_rows,
    left_side.amount as left_amount,
    right_side.amount as right_amount
from left_side
full outer join right_side on left_side.currency is not distinct from right_side.currency
where
    left_side.row_count is distinct from right_side.row_count
    or left_side.amount is distinct from right_side.amount
{%- endmacro %}

{# Whole minor units back in units of the currency, exactly. #}
{% macro in_units(amount_minor, minor_per_unit) -%}
    cast({{ amount_minor }} as decimal(28, 8))
    * case {{ minor_per_unit }} when 1 then 1.000 when 100 then 0.010 when 1000 then 0.001 end
{%- endmacro %}
