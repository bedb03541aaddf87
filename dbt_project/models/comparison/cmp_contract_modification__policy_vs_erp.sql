-- Every modification, what is left of the old service given back and the new one charged, as it is to be earned from its day on
-- beside what the ERP planned of these lines, in the month by whose end the two are furthest apart.
with months as (
    select
        parts.invoice_id,
        parts.schedule_key,
        parts.amount_minor as whole_minor,
        lines.period,
        lines.amount_minor,
        lines.erp_planned_minor,
        row_number() over (partition by parts.schedule_key order by lines.period) as month_number,
        count(nullif(lines.amount_minor, 0)) over (partition by parts.schedule_key) as earned_months
    from {{ ref('modification_lines') }} as parts
    inner join {{ ref('revenue_schedule_lines') }} as lines on parts.schedule_key = lines.schedule_key
),

summed as (
    select
        invoice_id,
        period,
        sum(amount_minor) as amount_minor,
        sum(erp_planned_minor) as planned_minor
    from months
    group by invoice_id, period
),

so_far as (
    select
        invoice_id,
        period,
        sum(amount_minor) over (partition by invoice_id order by period) as policy_minor,
        sum(planned_minor) over (partition by invoice_id order by period) as erp_minor
    from summed
),

furthest as (
    select
        *,
        row_number() over (partition by invoice_id order by abs(policy_minor - erp_minor) desc, period) as preference
    from so_far
),

caught_up as (
    -- all of several months in the first one
    select distinct invoice_id
    from months
    where month_number = 1 and earned_months > 1 and erp_planned_minor = whole_minor
),

modifications as (
    select
        parts.invoice_id,
        min(parts.subscription_id) as subscription_id,
        min(parts.canonical_customer_id) as canonical_customer_id,
        min(parts.correlation_id) as correlation_id,
        min(parts.legal_entity) as legal_entity,
        min(parts.currency) as currency,
        min(parts.start_date) as effective_date,
        count(*) as line_count,
        sum(case when schedules.has_erp then 1 else 0 end) as planned_count,
        sum(case when not schedules.has_erp and parts.amount_minor < 0 then 1 else 0 end) as unplanned_credits,
        max(schedules.plan_count) as most_plans,
        min(schedules.erp_internal_id) as erp_internal_id,
        min(schedules.excluded_reason) as excluded_reason,
        min(schedules.erp_coverage_seconds) as erp_coverage_seconds,
        min(schedules.event_at) as event_at
    from {{ ref('modification_lines') }} as parts
    inner join {{ ref('cmp_revenue_schedule__policy_vs_erp') }} as schedules
        on 'schedule:' || parts.schedule_key = schedules.row_key
    group by parts.invoice_id
)

select
    'stripe:' || modifications.invoice_id as row_key,
    'contract_modification' as entity,
    modifications.canonical_customer_id as canonical_id,
    modifications.correlation_id,
    modifications.invoice_id as billing_id,
    modifications.invoice_id as policy_id,
    modifications.erp_internal_id as erp_id,
    true as has_policy,
    modifications.planned_count > 0 as has_erp,
    modifications.legal_entity,
    modifications.currency,
    furthest.period,
    cast(furthest.policy_minor as bigint) as policy_amount_minor,
    cast(furthest.erp_minor as bigint) as erp_amount_minor,
    case
        when modifications.excluded_reason is not null then modifications.excluded_reason
        when modifications.most_plans > 1 then 'planned_twice'
    end as excluded_reason,
    cast(null as bigint) as policy_coverage_seconds,
    modifications.erp_coverage_seconds,
    -- five business days from the day of the change, and not before the ERP had its time for the document
    least(
        {{ seconds_between(
            'cast(' ~ business_days_after('modifications.effective_date', 5) ~ ' as timestamp)',
            watermark('netsuite', 'revenue_plan')
        ) }},
        modifications.erp_coverage_seconds - 21600
    ) as due_coverage_seconds,
    modifications.event_at,
    modifications.subscription_id,
    modifications.effective_date,
    cast(modifications.line_count as bigint) as line_count,
    case
        when modifications.planned_count = 0 then 'nothing_planned'
        when modifications.unplanned_credits > 0 then 'credit_not_planned'
        when caught_up.invoice_id is not null then 'all_at_once'
    end as fault
from modifications
inner join furthest on modifications.invoice_id = furthest.invoice_id and furthest.preference = 1
left join caught_up on modifications.invoice_id = caught_up.invoice_id
