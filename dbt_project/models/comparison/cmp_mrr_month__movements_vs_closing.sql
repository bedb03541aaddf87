-- Every month of a subscription: what its movements make of the month before, beside what it closes with.
with months as (
    select
        *,
        cast(period || '-01' as date) as month_date,
        lag(closing_minor) over (partition by subscription_id order by period) as previous_minor,
        lag(period) over (partition by subscription_id order by period) as previous_period,
        max(closing_minor) over (
            partition by subscription_id order by period rows between 1 following and unbounded following
        ) as highest_after_minor,
        new_minor + expansion_minor + reactivation_minor + price_minor + contraction_minor + churn_minor as movement_minor,
        case when new_minor <> 0 then 1 else 0 end + case when expansion_minor <> 0 then 1 else 0 end
        + case when reactivation_minor <> 0 then 1 else 0 end + case when price_minor <> 0 then 1 else 0 end
        + case when contraction_minor <> 0 then 1 else 0 end + case when churn_minor <> 0 then 1 else 0 end
            as class_count
    from {{ ref('mrr_months') }}
),

invoiced as (
    -- charged for, be it nothing by a discount; while collection is paused each invoice is void as soon as it is made
    select distinct months.mrr_month_key
    from months
    inner join {{ ref('invoice__billing') }} as invoices on months.subscription_id = invoices.subscription_id
    inner join {{ ref('invoice_line__billing') }} as lines
        on invoices.invoice_id = lines.invoice_id
        and months.measured_date between lines.service_start_date and lines.service_end_date
    where
        (invoices.status <> 'void' and lines.monthly_minor is not null)
        or (
            invoices.status = 'void'
            and {{ seconds_between('invoices.issued_at', 'invoices.status_changed_at') }} < {{ var('paused_void_seconds') }}
        )
)

select
    'stripe:' || months.mrr_month_key as row_key,
    'mrr_month' as entity,
    months.canonical_customer_id as canonical_id,
    cast(null as varchar) as correlation_id,
    months.subscription_id as billing_id,
    months.mrr_month_key as movements_id,
    months.mrr_month_key as closing_id,
    true as has_movements,
    true as has_closing,
    months.legal_entity,
    months.currency,
    months.period,
    cast(coalesce(months.previous_minor, 0) + months.movement_minor as bigint) as movements_amount_minor,
    months.closing_minor as closing_amount_minor,
    cast(null as varchar) as excluded_reason,
    cast(null as bigint) as movements_coverage_seconds,
    cast(null as bigint) as closing_coverage_seconds,
    cast(months.measured_date as timestamp) as event_at,
    months.movement,
    months.opening_minor,
    case
        when
            months.previous_period is not null
            and {{ months_after("cast(months.previous_period || '-01' as date)", 1) }} <> months.month_date
            then 'month_missing'
        when coalesce(months.previous_minor, 0) + months.movement_minor <> months.closing_minor then 'does_not_add_up'
        when months.class_count <> case when months.movement = 'none' then 0 else 1 end then 'not_one_class'
        when
            months.movement = 'churn'
            and months.highest_after_minor > 0
            and invoiced.mrr_month_key is null
            then 'not_charged'
    end as fault
from months
left join invoiced on months.mrr_month_key = invoiced.mrr_month_key
