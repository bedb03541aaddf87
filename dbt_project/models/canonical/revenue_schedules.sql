-- One schedule per line of an issued, not void invoice; what it is worth and under which policy of finance it is earned.
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

planned as (
    select
        line_key,
        count(distinct revenue_plan_id) as erp_plan_count,
        sum(amount_minor) as erp_planned_minor,
        sum(case when is_recognized then amount_minor else 0 end) as erp_recognised_minor
    from {{ ref('revenue_events') }}
    where line_key is not null
    group by line_key
)

select
    sold.line_key as schedule_key,
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
    policies.why as policy_reason,
    sold.start_date,
    greatest(sold.start_date, sold.end_date) as end_date,
    coalesce(planned.erp_plan_count, 0) as erp_plan_count,
    cast(coalesce(planned.erp_planned_minor, 0) as bigint) as erp_planned_minor,
    cast(coalesce(planned.erp_recognised_minor, 0) as bigint) as erp_recognised_minor
from sold
left join policies on sold.line_key = policies.line_key and policies.preference = 1
left join planned on sold.line_key = planned.line_key
