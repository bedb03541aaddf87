{# How much of an amount is earned once so many of all its parts are, whole minor units: rounded half away from zero on
   the cumulative amount, so that the last part always brings what is left and the parts add up to the amount. #}
{% macro earned_share(amount, parts, all_parts) -%}
    {{ return(adapter.dispatch('earned_share', 'tieout')(amount, parts, all_parts)) }}
{%- endmacro %}

{% macro default__earned_share(amount, parts, all_parts) -%}
    cast(
        case when {{ amount }} < 0 then -1 else 1 end
        * ((2 * abs(cast({{ amount }} as hugeint)) * {{ parts }} + {{ all_parts }}) // (2 * {{ all_parts }}))
        as bigint
    )
{%- endmacro %}

{% macro spark__earned_share(amount, parts, all_parts) -%}
    cast(
        case when {{ amount }} < 0 then -1 else 1 end
        * ((2 * abs(cast({{ amount }} as decimal(28, 0))) * {{ parts }} + {{ all_parts }}) div (2 * {{ all_parts }}))
        as bigint
    )
{%- endmacro %}

{# The accounting policies under which revenue is earned, one row per period of each sold line. This is the only place
   where they are worked out. `sold` is a relation with line_key, policy, amount_minor, start_date and end_date (both days
   served); the result has line_key, period, first_day and last_day of service in it, amount_minor and cumulative_minor.

   daily          each day of the term alike
   even_month     each month that the term touches alike
   half_month     the first and the last month half of what the others get; all of it where there is one month only
   point_in_time  all of it in the month of the first day
   usage          all of it in the month of the last day, when what was used is known #}
{% macro revenue_periods(sold) -%}
with terms as (
    select
        line_key,
        policy,
        amount_minor,
        case when policy = 'usage' then greatest(start_date, end_date) else start_date end as start_date,
        case when policy = 'point_in_time' then start_date else greatest(start_date, end_date) end as end_date
    from {{ sold }}
),

spans as (
    select
        *,
        {{ month_start('start_date') }} as first_month,
        12 * (year(end_date) - year(start_date)) + month(end_date) - month(start_date) + 1 as month_count,
        {{ days_between('start_date', 'end_date') }} + 1 as day_count
    from terms
),

months as (
    select
        spans.*,
        numbers.number as month_number,
        {{ months_after('spans.first_month', 'numbers.number') }} as month_date
    from spans
    inner join ({{ whole_numbers() }}) as numbers on numbers.number < spans.month_count
),

parts as (
    select
        *,
        greatest(start_date, month_date) as first_day,
        least(end_date, last_day(month_date)) as last_day,
        case policy
            when 'daily' then {{ days_between('start_date', 'least(end_date, last_day(month_date))') }} + 1
            when 'even_month' then month_number + 1
            when 'half_month' then least(2 * month_number + 1, greatest(2 * month_count - 2, 1))
            else 1
        end as earned_parts,
        case policy
            when 'daily' then day_count
            when 'even_month' then month_count
            when 'half_month' then greatest(2 * month_count - 2, 1)
            else 1
        end as all_parts
    from months
),

earned as (
    select
        *,
        {{ earned_share('amount_minor', 'earned_parts', 'all_parts') }} as cumulative_minor
    from parts
)

select
    line_key,
    {{ accounting_period('month_date') }} as period,
    first_day,
    last_day,
    cumulative_minor
    - coalesce(lag(cumulative_minor) over (partition by line_key order by month_number), 0) as amount_minor,
    cumulative_minor
from earned
{%- endmacro %}
