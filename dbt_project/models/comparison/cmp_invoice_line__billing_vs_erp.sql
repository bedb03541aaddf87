with rows_of_both as (
    select
        lines.source_id as billing_id,
        copies.erp_line_id as erp_id,
        lines.invoice_id,
        standing.erp_internal_id
    from {{ ref('invoice_line__billing') }} as lines
    left join {{ ref('invoice_line_copies') }} as copies on lines.source_id = copies.line_key
    left join {{ ref('invoice_copies') }} as standing
        on lines.invoice_id = standing.invoice_id and standing.copy_role = 'primary'
    union all
    select
        cast(null as varchar),
        lines.source_id,
        standing.invoice_id,
        lines.erp_internal_id
    from {{ ref('invoice_line__erp') }} as lines
    left join {{ ref('invoice_line_copies') }} as copies on lines.source_id = copies.erp_line_id
    left join {{ ref('invoice_copies') }} as standing
        on lines.erp_internal_id = standing.erp_internal_id and standing.copy_role = 'primary'
    where copies.line_key is null
),

placed as (
    select
        rows_of_both.billing_id,
        rows_of_both.erp_id,
        coalesce(billing_invoice.canonical_customer_id, erp_invoice.canonical_customer_id) as canonical_id,
        coalesce(billing_invoice.correlation_id, erp_invoice.correlation_id) as correlation_id,
        coalesce(billing_invoice.legal_entity, erp_invoice.legal_entity) as legal_entity,
        coalesce(billing_invoice.period, erp_invoice.period) as period,
        billing_invoice.issued_at,
        coalesce(billing_invoice.issued_at, billing_invoice.created_at, erp_invoice.created_at) as event_at,
        rows_of_both.invoice_id,
        rows_of_both.erp_internal_id as erp_invoice_id,
        case
            when erp_invoice.erp_internal_id is null then 'invoice_not_in_erp'
            when billing_invoice.invoice_id is null then 'invoice_not_in_billing'
            when billing_invoice.is_voided or erp_invoice.is_voided then 'void'
            -- then the total tells it (INV-AMT-01); rounding is left to it too
            when
                abs(billing_invoice.total_minor - erp_invoice.total_minor)
                > least(greatest(billing_invoice.line_count, erp_invoice.line_count, 1), 5)
                then 'total_differs'
        end as invoice_reason
    from rows_of_both
    left join {{ ref('invoice__billing') }} as billing_invoice on rows_of_both.invoice_id = billing_invoice.invoice_id
    left join {{ ref('invoice__erp') }} as erp_invoice on rows_of_both.erp_internal_id = erp_invoice.erp_internal_id
),

compared as (
    select
        placed.*,
        coalesce(billing.currency, erp.currency) as currency,
        billing.amount_minor as billing_amount_minor,
        erp.amount_minor as erp_amount_minor,
        billing.product_code as billing_product_code,
        erp.product_code as erp_product_code,
        billing.quantity as billing_quantity,
        erp.quantity as erp_quantity,
        billing.service_start_date as billing_service_start_date,
        erp.service_start_date as erp_service_start_date,
        billing.service_end_date as billing_service_end_date,
        erp.service_end_date as erp_service_end_date,
        {{ days_between('billing.service_start_date', 'billing.service_end_date') }} + 1 as term_days,
        {{ days_between('billing.service_start_date', 'erp.service_start_date') }} as start_days,
        {{ days_between('billing.service_end_date', 'erp.service_end_date') }} as end_days,
        coalesce(placed.invoice_reason, case
            when erp.line_type = 'tax' then 'tax_line'
            when placed.billing_id is null and erp.amount_minor = 0 then 'zero_amount'
            when placed.erp_id is null and billing.amount_minor = 0 then 'zero_amount'
        end) as excluded_reason
    from placed
    left join {{ ref('invoice_line__billing') }} as billing on placed.billing_id = billing.source_id
    left join {{ ref('invoice_line__erp') }} as erp on placed.erp_id = erp.source_id
),

moved as (
    select
        *,
        least(abs(start_days), term_days) as start_moved_days,
        -- what moves the end along with the start is counted there
        least(
            case
                when start_days * end_days > 0 then greatest(abs(end_days) - abs(start_days), 0) else abs(end_days)
            end,
            term_days
        ) as end_moved_days
    from compared
)

select
    coalesce('stripe:' || billing_id, 'netsuite:' || erp_id) as row_key,
    'invoice_line' as entity,
    canonical_id,
    correlation_id,
    billing_id,
    erp_id,
    billing_id is not null as has_billing,
    erp_id is not null as has_erp,
    legal_entity,
    currency,
    period,
    billing_amount_minor,
    erp_amount_minor,
    excluded_reason,
    cast(null as bigint) as billing_coverage_seconds,
    {{ coverage('erp_coverage_seconds', 'issued_at', 'netsuite', 'transaction') }},
    event_at,
    invoice_id,
    erp_invoice_id,
    billing_product_code,
    erp_product_code,
    billing_quantity,
    erp_quantity,
    billing_service_start_date,
    erp_service_start_date,
    billing_service_end_date,
    erp_service_end_date,
    case when start_days is not null then
        sign(start_days) * {{ earned_share('billing_amount_minor', 'start_moved_days', 'term_days') }}
    end as start_moved_minor,
    case when end_days is not null then
        sign(end_days) * {{ earned_share('billing_amount_minor', 'end_moved_days', 'term_days') }}
    end as end_moved_minor
from moved
