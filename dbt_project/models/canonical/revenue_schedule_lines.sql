-- What is earned in each period by policy, and beside it what the ERP planned and recognised; a period in which only the
-- ERP has something is a row as well.
with used as (
    -- each tier of a metered price is a line of its own, and all of them bill the same days
    select
        lines.invoice_line_id as line_key,
        usage.usage_date,
        usage.quantity
    from {{ ref('usage__billing') }} as usage
    inner join {{ ref('invoice_line__billing') }} as first_lines on usage.invoice_line_id = first_lines.invoice_line_id
    inner join {{ ref('invoice_line__billing') }} as lines
        on first_lines.invoice_id = lines.invoice_id
        and first_lines.subscription_item_id = lines.subscription_item_id
        and first_lines.service_start_date = lines.service_start_date
    -- days of a meter that keeps the last value only do not add up
    where usage.aggregation in ('sum', 'count')
),

sold as (
    select * from {{ ref('revenue_schedules') }} where credit_note_key is null
),

credits as (
    select * from {{ ref('revenue_schedules') }} where credit_note_key is not null
),

earned as (
    {{ revenue_periods('sold', 'used') }}
),

taken_back as (
    {{ credit_periods('credits', 'earned') }}
),

recomputed as (
    select line_key as schedule_key, period, first_day, last_day, amount_minor from earned
    union all
    select schedule_key, period, null, null, amount_minor from taken_back
),

planned as (
    select
        schedule_key,
        period,
        count(*) as erp_line_count,
        sum(amount_minor) as erp_planned_minor,
        sum(case when is_recognized then amount_minor else 0 end) as erp_recognised_minor
    from {{ ref('revenue_events') }}
    where schedule_key is not null
    group by schedule_key, period
),

side_by_side as (
    select
        coalesce(recomputed.schedule_key, planned.schedule_key) as schedule_key,
        coalesce(recomputed.period, planned.period) as period,
        recomputed.schedule_key is not null as is_in_term,
        recomputed.first_day,
        recomputed.last_day,
        recomputed.amount_minor,
        planned.erp_line_count,
        planned.erp_planned_minor,
        planned.erp_recognised_minor
    from recomputed
    full outer join planned on recomputed.schedule_key = planned.schedule_key and recomputed.period = planned.period
)

select
    side_by_side.schedule_key || '|' || side_by_side.period as schedule_line_key,
    schedules.schedule_key,
    schedules.line_key,
    schedules.credit_note_key,
    schedules.invoice_key,
    schedules.canonical_customer_id,
    schedules.correlation_id,
    schedules.legal_entity,
    schedules.product_code,
    schedules.currency,
    side_by_side.period,
    side_by_side.first_day as service_start_date,
    side_by_side.last_day as service_end_date,
    side_by_side.is_in_term,
    coalesce(side_by_side.amount_minor, 0) as amount_minor,
    cast(
        sum(coalesce(side_by_side.amount_minor, 0)) over (
            partition by side_by_side.schedule_key
            order by side_by_side.period rows between unbounded preceding and current row
        ) as bigint
    ) as cumulative_minor,
    coalesce(side_by_side.erp_line_count, 0) as erp_line_count,
    cast(coalesce(side_by_side.erp_planned_minor, 0) as bigint) as erp_planned_minor,
    cast(coalesce(side_by_side.erp_recognised_minor, 0) as bigint) as erp_recognised_minor
from side_by_side
-- a plan of a line that has no schedule, as that of a void invoice, stays with revenue_events
inner join {{ ref('revenue_schedules') }} as schedules on side_by_side.schedule_key = schedules.schedule_key
