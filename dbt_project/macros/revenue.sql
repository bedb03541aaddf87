{# How much of an amount is earned once so many of all its parts are, whole minor units: rounded half away from zero on
   the cumulative amount, so that the last part always brings what is left and the parts add up to the amount. #}
{% macro earned_share(amount, parts, all_parts) -%}
    cast(
        case when {{ amount }} < 0 then -1 else 1 end
        * ((2 * abs(cast({{ amount }} as hugeint)) * {{ parts }} + {{ all_parts }}) // (2 * {{ all_parts }}))
        as bigint
    )
{%- endmacro %}

{# What was used as a whole number, to a millionth of a unit: a weight. #}
{% macro usage_weight(quantity) -%}
    cast(round(1000000 * {{ quantity }}, 0) as hugeint)
{%- endmacro %}

{# The accounting policies under which revenue is earned, one row per period of each sold line. This is the only place
   where they are worked out. `sold` is a relation with line_key, policy, amount_minor, start_date and end_date (both days
   served), `used` one with line_key, usage_date and quantity of what lines bill; the result has line_key, period, first_day
   and last_day of service in it, amount_minor and cumulative_minor.

   daily          each day of the term alike
   even_month     each month that the term touches alike
   half_month     the first and the last month half of what the others get; all of it where there is one month only
   point_in_time  all of it in the month of the first day
   usage          each month what was used in it, a day outside of the term (which is of another calendar) counting on the
                  nearest in it; where no days are known, all of it in the month of the last day #}
{% macro revenue_periods(sold, used) -%}
with used_months as (
    select
        sold.line_key,
        {{ month_start('least(greatest(used.usage_date, sold.start_date), sold.end_date)') }} as month_date,
        sum({{ usage_weight('used.quantity') }}) as weight
    from {{ sold }} as sold
    inner join {{ used }} as used on sold.line_key = used.line_key
    where sold.policy = 'usage' and sold.start_date <= sold.end_date
    group by 1, 2
),

used_lines as (
    select line_key, sum(weight) as weight
    from used_months
    group by line_key
    having sum(weight) > 0 and min(weight) >= 0
),

terms as (
    select
        sold.line_key,
        sold.policy,
        sold.amount_minor,
        case
            when sold.policy = 'usage' and used_lines.weight is null then greatest(sold.start_date, sold.end_date)
            else sold.start_date
        end as start_date,
        case
            when sold.policy = 'point_in_time' then sold.start_date
            else greatest(sold.start_date, sold.end_date)
        end as end_date,
        used_lines.weight as used_weight
    from {{ sold }} as sold
    left join used_lines on sold.line_key = used_lines.line_key
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

weighed as (
    select
        months.*,
        sum(used_months.weight) over (
            partition by months.line_key
            order by months.month_number rows between unbounded preceding and current row
        ) as used_until
    from months
    left join used_months on months.line_key = used_months.line_key and months.month_date = used_months.month_date
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
            when 'usage' then case when used_weight is null then 1 else coalesce(used_until, 0) end
            else 1
        end as earned_parts,
        case policy
            when 'daily' then day_count
            when 'even_month' then month_count
            when 'half_month' then greatest(2 * month_count - 2, 1)
            when 'usage' then coalesce(used_weight, 1)
            else 1
        end as all_parts
    from weighed
),

earned_upto as (
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
from earned_upto
{%- endmacro %}

{# When credits take back what was sold, one row per credit and period. A credit is a change of the transaction price (ASC
   606-10-32-42 to 45): it is allocated to the performance obligations that the price was allocated to (here: to the sold
   line), and what falls to service that was rendered already lowers revenue in the period of the change (32-43). Services
   of a term are distinct from day to day, so that the default, `remainder`, takes a credit as one for the time to come,
   as far as that goes (32-45 with 25-13 a); `catch_up` takes it as one for all of the term.

   remainder   off the months from the credit's on, by what each has left to earn; beyond that in the credit's month
   catch_up    off all months of the term, by what each earns; what falls to earlier ones in the credit's month

   `credits` is a relation with schedule_key, line_key, credit_policy, amount_minor (negative) and start_date (of the
   credit); `earned` the periods of sold lines with line_key, period and amount_minor. The result has schedule_key, period
   and amount_minor, rounded on the cumulative amount: the periods of a credit add up to it. Earlier credits of a line leave
   less of it: what share of the open months each took is kept in 1e-18. #}
{% macro credit_periods(credits, earned) -%}
{%- set whole = 'cast(1000000000000000000 as bigint)' -%}
with credited as (
    select
        schedule_key,
        line_key,
        start_date,
        {{ accounting_period('start_date') }} as credit_period,
        credit_policy,
        -amount_minor as credit_minor
    from {{ credits }}
),

open_months as (
    select
        credited.*,
        periods.period,
        sum(periods.amount_minor) over (
            partition by credited.schedule_key order by periods.period rows between unbounded preceding and current row
        ) as upto_minor,
        cast(sum(periods.amount_minor) over (partition by credited.schedule_key) as bigint) as open_minor
    from credited
    inner join {{ earned }} as periods
        on
            credited.line_key = periods.line_key
            and periods.amount_minor > 0
            and (credited.credit_policy = 'catch_up' or periods.period >= credited.credit_period)
),

shares as (
    select
        credited.*,
        coalesce(months.open_minor, 0) as open_minor,
        case
            when months.open_minor is null then 0
            else {{ earned_share(whole, 'least(credited.credit_minor, months.open_minor)', 'months.open_minor') }}
        end as share
    from credited
    left join (select distinct schedule_key, open_minor from open_months) as months
        on credited.schedule_key = months.schedule_key
),

limits as (
    select
        *,
        least(credit_minor, case when open_minor = 0 then 0 else {{ earned_share('open_minor', 'share_left', whole) }} end)
            as lowered_minor
    from (
        select
            *,
            greatest({{ whole }} - coalesce(sum(share) over (
                partition by line_key order by start_date, schedule_key rows between unbounded preceding and 1 preceding
            ), 0), 0) as share_left
        from shares
    ) as lefts
),

credit_parts as (
    select
        months.schedule_key,
        greatest(months.period, months.credit_period) as period,
        {{ earned_share('limits.lowered_minor', 'months.upto_minor', 'months.open_minor') }}
        - coalesce(lag({{ earned_share('limits.lowered_minor', 'months.upto_minor', 'months.open_minor') }}) over (
            partition by months.schedule_key order by months.period
        ), 0) as part_minor
    from open_months as months
    inner join limits on months.schedule_key = limits.schedule_key
    union all
    select schedule_key, credit_period, credit_minor - lowered_minor
    from limits
)

select
    schedule_key,
    period,
    cast(-sum(part_minor) as bigint) as amount_minor
from credit_parts
group by schedule_key, period
having sum(part_minor) <> 0
{%- endmacro %}
