-- Opening and movements make the closing, per subscription and in total per currency; a month opens with what the month
-- before closed with; each month is of one class; and what has ended has nothing left.
with months as (
    select
        *,
        new_minor + expansion_minor + reactivation_minor + price_minor + contraction_minor + churn_minor as moved_minor,
        coalesce(lag(closing_minor) over (partition by subscription_id order by period), 0) as closed_before_minor,
        row_number() over (partition by subscription_id order by period desc) as from_last
    from {{ ref('mrr_months') }}
),

totals as (
    select
        currency,
        period,
        sum(closing_minor) as closing_minor,
        -- what ended in the month before has no row in this one, and nothing to open with
        sum(opening_minor) as opening_minor
    from months
    group by currency, period
),

moved as (
    select currency, period, sum(movement_minor) as movement_minor
    from {{ ref('mrr_movements') }}
    group by currency, period
),

in_total as (
    select
        totals.currency,
        totals.period,
        totals.closing_minor,
        totals.opening_minor,
        coalesce(moved.movement_minor, 0) as movement_minor,
        coalesce(lag(totals.closing_minor) over (partition by totals.currency order by totals.period), 0)
            as closed_before_minor
    from totals
    left join moved
        on totals.currency is not distinct from moved.currency and totals.period = moved.period
)

select mrr_month_key as what, 'does not add up' as why
from months
where
    opening_minor + moved_minor <> closing_minor
    or opening_minor <> closed_before_minor
    or case movement
        when 'none' then 0
        when 'new' then new_minor
        when 'expansion' then expansion_minor
        when 'reactivation' then reactivation_minor
        when 'price' then price_minor
        when 'contraction' then contraction_minor
        when 'churn' then churn_minor
    end <> closing_minor - opening_minor
union all
select mrr_month_key as what, 'ended with something left' as why
from months
where
    from_last = 1
    and closing_minor <> 0
    and period <> (select {{ accounting_period('snapshot_date') }} from {{ ref('stg_control__build') }})
union all
select currency || ' ' || period as what, 'does not add up in total' as why
from in_total
where opening_minor + movement_minor <> closing_minor or opening_minor <> closed_before_minor
