-- What each month earns by policy beside what the ERP put into it, once the month is over and its run was due. Schedules that
-- the ERP lacks, has twice or for another amount are told as a whole.
with due as (
    select
        lines.*,
        {{ months_after(month_start("cast(lines.period || '-01' as date)"), 1) }} as run_date
    from {{ ref('revenue_schedule_lines') }} as lines
)

select
    'schedule:' || due.schedule_line_key as row_key,
    'revenue_schedule_line' as entity,
    due.canonical_customer_id as canonical_id,
    due.correlation_id,
    schedules.billing_id,
    due.schedule_line_key as policy_id,
    schedules.erp_id,
    true as has_policy,
    schedules.has_erp,
    due.legal_entity,
    due.currency,
    due.period,
    due.amount_minor as policy_amount_minor,
    case when schedules.has_erp then due.erp_planned_minor end as erp_amount_minor,
    case
        when schedules.excluded_reason is not null then schedules.excluded_reason
        when not schedules.has_erp then 'no_plan'
        -- which days an invoice bills is told by billing
        when schedules.policy = 'usage' and schedules.billing_id is null then 'usage_unknown'
        when schedules.plan_count > 1 then 'planned_twice'
        when schedules.policy_amount_minor <> schedules.erp_amount_minor then 'amount_differs'
        when due.run_date > (select last_run_date from {{ ref('due_runs') }}) then 'not_due'
    end as excluded_reason,
    cast(null as bigint) as policy_coverage_seconds,
    cast(null as bigint) as erp_coverage_seconds,
    cast(due.run_date as timestamp) as event_at,
    schedules.policy
from due
inner join {{ ref('cmp_revenue_schedule__policy_vs_erp') }} as schedules
    on 'schedule:' || due.schedule_key = schedules.row_key
