-- One schedule per line of an issued, not void invoice, and one for what each credit note takes back of it; what it is worth
-- and under which policy of finance it is earned.
with sold as (
    select
        lines.line_key,
        lines.invoice_key,
        invoices.invoice_id,
        invoices.canonical_customer_id,
        invoices.subscription_id,
        invoices.correlation_id,
        invoices.legal_entity,
        lines.product_code,
        products.product_family,
        lines.currency,
        lines.amount_minor,
        coalesce(lines.service_start_date, invoices.invoice_date) as start_date,
        coalesce(lines.service_end_date, lines.service_start_date, invoices.invoice_date) as end_date
    from {{ ref('invoice_lines') }} as lines
    inner join {{ ref('invoices') }} as invoices on lines.invoice_key = invoices.invoice_key
    left join {{ ref('products') }} as products on lines.product_code = products.product_code
    -- a draft is not sold yet, a void invoice not any more; what is written off was earned, and lost
    where invoices.status in ('open', 'partially_paid', 'paid', 'written_off')
),

policies as (
    select
        sold.line_key,
        policies.policy,
        policies.credit_policy,
        policies.why,
        -- the most special policy that was in force when the service began
        row_number() over (
            partition by sold.line_key
            order by
                case when policies.product_code = '*' then 1 else 0 end,
                case when policies.product_family = '*' then 1 else 0 end,
                case when policies.legal_entity = '*' then 1 else 0 end,
                policies.valid_from desc
        ) as preference
    from sold
    inner join {{ ref('revenue_policies') }} as policies
        on (policies.product_code = '*' or policies.product_code = sold.product_code)
        and (policies.product_family = '*' or policies.product_family = sold.product_family)
        and (policies.legal_entity = '*' or policies.legal_entity = sold.legal_entity)
        and policies.valid_from <= sold.start_date
),

credited as (
    -- what no sold line is found for is taken back at once, unless its invoice earns nothing
    select
        notes.credit_note_key || coalesce('/' || lines.line_key, '') as schedule_key,
        notes.credit_note_key,
        lines.line_key,
        min(lines.product_code) as product_code,
        -sum(lines.amount_minor) as amount_minor
    from {{ ref('credit_note_lines') }} as lines
    inner join {{ ref('credit_notes') }} as notes on lines.credit_note_key = notes.credit_note_key
    left join {{ ref('invoices') }} as invoices on lines.invoice_key = invoices.invoice_key
    where
        notes.status <> 'void'
        and (invoices.invoice_key is null or invoices.status in ('open', 'partially_paid', 'paid', 'written_off'))
    group by notes.credit_note_key, lines.line_key
),

schedules as (
    select
        sold.line_key as schedule_key,
        cast(null as varchar) as credit_note_key,
        sold.line_key,
        sold.invoice_key,
        sold.invoice_id,
        sold.subscription_id,
        sold.canonical_customer_id,
        sold.correlation_id,
        sold.legal_entity,
        sold.product_code,
        sold.product_family,
        sold.currency,
        sold.amount_minor,
        policies.policy,
        policies.credit_policy,
        policies.why as policy_reason,
        sold.start_date,
        greatest(sold.start_date, sold.end_date) as end_date
    from sold
    left join policies on sold.line_key = policies.line_key and policies.preference = 1
    union all
    select
        credited.schedule_key,
        credited.credit_note_key,
        credited.line_key,
        notes.invoice_key,
        sold.invoice_id,
        sold.subscription_id,
        notes.canonical_customer_id,
        notes.correlation_id,
        notes.legal_entity,
        credited.product_code,
        sold.product_family,
        notes.currency,
        cast(credited.amount_minor as bigint),
        coalesce(policies.policy, 'point_in_time'),
        coalesce(policies.credit_policy, 'remainder'),
        coalesce(policies.why, 'Of no line that was sold: taken back at once'),
        notes.credit_date,
        greatest(notes.credit_date, sold.start_date, sold.end_date)
    from credited
    inner join {{ ref('credit_notes') }} as notes on credited.credit_note_key = notes.credit_note_key
    left join sold on credited.line_key = sold.line_key
    left join policies on credited.line_key = policies.line_key and policies.preference = 1
),

planned as (
    select
        schedule_key,
        count(distinct case when not coalesce(is_taken_back, false) then revenue_plan_id end) as erp_plan_count,
        sum(amount_minor) as erp_planned_minor,
        sum(case when is_recognized then amount_minor else 0 end) as erp_recognised_minor
    from {{ ref('revenue_events') }}
    where schedule_key is not null
    group by schedule_key
)

select
    schedules.*,
    coalesce(planned.erp_plan_count, 0) as erp_plan_count,
    cast(coalesce(planned.erp_planned_minor, 0) as bigint) as erp_planned_minor,
    cast(coalesce(planned.erp_recognised_minor, 0) as bigint) as erp_recognised_minor
from schedules
left join planned on schedules.schedule_key = planned.schedule_key
