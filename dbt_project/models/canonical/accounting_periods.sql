with periods as (
    select
        *,
        case
            when is_month then 'month'
            when {{ days_between('start_date', 'end_date') }} > 100 then 'year'
            else 'quarter'
        end as period_kind
    from {{ ref('stg_netsuite__accounting_periods') }}
),

fiscal_years as (
    -- a period belongs to the shortest year around it
    select
        periods.period_id,
        years.name as fiscal_year,
        row_number() over (
            partition by periods.period_id order by {{ days_between('years.start_date', 'years.end_date') }}, years.period_id
        ) as nearness
    from periods
    inner join periods as years
        on years.period_kind = 'year' and periods.start_date >= years.start_date and periods.end_date <= years.end_date
)

select
    periods.period_id,
    periods.name,
    periods.period_kind,
    case when periods.period_kind = 'month' then periods.period end as period,
    fiscal_years.fiscal_year,
    periods.start_date,
    periods.end_date,
    periods.is_closed,
    periods.is_receivables_locked,
    case
        when periods.is_closed then 'closed'
        when periods.is_receivables_locked then 'ar_locked'
        else 'open'
    end as status
from periods
left join fiscal_years on periods.period_id = fiscal_years.period_id and fiscal_years.nearness = 1
