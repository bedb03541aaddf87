-- Every recomputed schedule beside the plans that the ERP has for it, then every other plan of the ERP as a row of its own.
with plans as (
    select
        revenue_plan_id,
        min(schedule_key) as schedule_key,
        max(period) as last_period,
        bool_or(coalesce(is_taken_back, false)) as is_taken_back
    from {{ ref('revenue_events') }}
    group by revenue_plan_id
),

numbered as (
    select
        plans.schedule_key,
        plans.revenue_plan_id,
        plans.last_period,
        row_number() over (partition by plans.schedule_key order by plans.revenue_plan_id) as preference
    from plans
    inner join {{ ref('revenue_schedules') }} as schedules on plans.schedule_key = schedules.schedule_key
    where not plans.is_taken_back
),

documents as (
    select erp_internal_id, is_voided, status_changed_at, created_at from {{ ref('invoice__erp') }}
    union all
    select erp_internal_id, is_voided, modified_at, created_at from {{ ref('credit_note__erp') }}
),

followed as (
    -- up to the last month that is planned all is as the policy has it, and then nothing more
    select
        lines.schedule_key,
        bool_and(lines.period > numbered.last_period or lines.amount_minor = lines.erp_planned_minor) as is_right_so_far
    from {{ ref('revenue_schedule_lines') }} as lines
    inner join numbered on lines.schedule_key = numbered.schedule_key and numbered.preference = 1
    group by lines.schedule_key
),

expected as (
    select
        schedules.schedule_key,
        schedules.canonical_customer_id,
        schedules.correlation_id,
        schedules.legal_entity,
        schedules.currency,
        schedules.policy,
        schedules.amount_minor,
        schedules.start_date,
        schedules.end_date,
        schedules.erp_plan_count,
        case when schedules.erp_plan_count > 0 then schedules.erp_planned_minor end as planned_minor,
        numbered.revenue_plan_id,
        numbered.last_period,
        case
            when coalesce(schedules.credit_note_key, schedules.line_key) not like 'erp-%' then schedules.schedule_key
        end as billing_id,
        case when schedules.credit_note_key is null then invoices.erp_internal_id else notes.erp_internal_id end
            as erp_internal_id,
        case
            when schedules.credit_note_key is null and invoices.erp_internal_id is null then 'invoice_not_in_erp'
            when schedules.credit_note_key is not null and notes.erp_internal_id is null then 'note_not_in_erp'
            -- then the total tells it; rounding is left to it too
            when
                schedules.credit_note_key is null
                and abs(invoices.total_minor - posted.total_minor)
                > least(greatest(invoices.line_count, posted.line_count, 1), 5)
                then 'total_differs'
            when schedules.credit_note_key is not null and notes.total_minor <> credited.total_minor then 'note_differs'
            when schedules.erp_plan_count > 0 then null
            when schedules.policy = 'point_in_time' then 'earned_at_once'
            when schedules.amount_minor = 0 then 'zero_amount'
            -- what the ERP has alone is the finding of the document
            when coalesce(schedules.credit_note_key, schedules.line_key) like 'erp-%' then 'not_in_billing'
            when
                schedules.credit_note_key is null
                and schedules.line_key not in (
                    select line_key from {{ ref('invoice_line_copies') }} where line_key is not null
                )
                then 'line_not_in_erp'
        end as excluded_reason
    from {{ ref('revenue_schedules') }} as schedules
    left join numbered on schedules.schedule_key = numbered.schedule_key and numbered.preference = 1
    left join {{ ref('invoices') }} as invoices on schedules.invoice_key = invoices.invoice_key
    left join {{ ref('invoice__erp') }} as posted on invoices.erp_internal_id = posted.erp_internal_id
    left join {{ ref('credit_notes') }} as notes on schedules.credit_note_key = notes.credit_note_key
    left join {{ ref('credit_note__erp') }} as credited on notes.erp_internal_id = credited.erp_internal_id
),

stops as (
    -- what a plan recognised in months after the one in which its document was voided
    select
        events.revenue_plan_id,
        cast(sum(events.amount_minor) as bigint) as recognised_minor
    from {{ ref('revenue_events') }} as events
    inner join documents on events.erp_internal_id = documents.erp_internal_id
    where
        documents.is_voided
        and events.is_recognized
        and events.period > {{ accounting_period('documents.status_changed_at') }}
    group by events.revenue_plan_id
),

lone as (
    select plans.revenue_plan_id
    from plans
    left join {{ ref('revenue_schedules') }} as schedules on plans.schedule_key = schedules.schedule_key
    where schedules.schedule_key is null
),

lone_plans as (
    -- of the few that stand alone all is told; of the others their key is enough
    select
        events.revenue_plan_id,
        min(events.erp_internal_id) as erp_internal_id,
        min(events.canonical_customer_id) as canonical_customer_id,
        min(events.correlation_id) as correlation_id,
        min(events.legal_entity) as legal_entity,
        min(events.currency) as currency,
        min(events.period) as first_period,
        cast(sum(events.amount_minor) as bigint) as planned_minor
    from {{ ref('revenue_events') }} as events
    where events.revenue_plan_id in (select lone.revenue_plan_id from lone)
    group by events.revenue_plan_id
),

rows_of_both as (
    select
        'schedule:' || expected.schedule_key as row_key,
        expected.canonical_customer_id as canonical_id,
        expected.correlation_id,
        expected.billing_id,
        expected.schedule_key as policy_id,
        expected.revenue_plan_id as erp_id,
        true as has_policy,
        expected.erp_plan_count > 0 as has_erp,
        expected.legal_entity,
        expected.currency,
        {{ accounting_period('expected.start_date') }} as period,
        expected.amount_minor as policy_amount_minor,
        cast(expected.planned_minor as bigint) as erp_amount_minor,
        expected.excluded_reason,
        expected.erp_internal_id,
        expected.policy,
        expected.erp_plan_count as plan_count,
        coalesce(
            expected.erp_plan_count = 1
            and followed.is_right_so_far
            and expected.last_period < {{ accounting_period('expected.end_date') }}
            and expected.amount_minor <> expected.planned_minor,
            false
        ) as is_stopped_early,
        cast(null as bigint) as runs_on_minor
    from expected
    left join followed on expected.schedule_key = followed.schedule_key
    union all
    select
        'netsuite:' || plans.revenue_plan_id,
        plans.canonical_customer_id,
        plans.correlation_id,
        cast(null as varchar),
        cast(null as varchar),
        plans.revenue_plan_id,
        false,
        true,
        plans.legal_entity,
        plans.currency,
        plans.first_period,
        cast(null as bigint),
        plans.planned_minor,
        case
            when documents.erp_internal_id is null or stops.recognised_minor <> 0 then null
            when documents.is_voided then 'void'
            else 'document_earns_nothing'
        end,
        plans.erp_internal_id,
        cast(null as varchar),
        cast(1 as bigint),
        false,
        stops.recognised_minor
    from lone_plans as plans
    left join documents on plans.erp_internal_id = documents.erp_internal_id
    left join stops on plans.revenue_plan_id = stops.revenue_plan_id
)

select
    rows_of_both.row_key,
    'revenue_schedule' as entity,
    rows_of_both.canonical_id,
    rows_of_both.correlation_id,
    rows_of_both.billing_id,
    rows_of_both.policy_id,
    rows_of_both.erp_id,
    rows_of_both.has_policy,
    rows_of_both.has_erp,
    rows_of_both.legal_entity,
    rows_of_both.currency,
    rows_of_both.period,
    rows_of_both.policy_amount_minor,
    rows_of_both.erp_amount_minor,
    rows_of_both.excluded_reason,
    cast(null as bigint) as policy_coverage_seconds,
    {{ coverage('erp_coverage_seconds', 'documents.created_at', 'netsuite', 'revenue_plan') }},
    documents.created_at as event_at,
    rows_of_both.erp_internal_id,
    rows_of_both.policy,
    rows_of_both.plan_count,
    rows_of_both.is_stopped_early,
    rows_of_both.runs_on_minor
from rows_of_both
left join documents on rows_of_both.erp_internal_id = documents.erp_internal_id
