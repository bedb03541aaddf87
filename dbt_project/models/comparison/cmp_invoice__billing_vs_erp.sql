select
    apart.row_key,
    'invoice' as entity,
    coalesce(billing.canonical_customer_id, erp.canonical_customer_id) as canonical_id,
    coalesce(billing.correlation_id, erp.correlation_id) as correlation_id,
    billing.invoice_id as billing_id,
    erp.erp_internal_id as erp_id,
    billing.invoice_id is not null as has_billing,
    erp.erp_internal_id is not null as has_erp,
    coalesce(billing.legal_entity, erp.legal_entity) as legal_entity,
    coalesce(billing.currency, erp.currency) as currency,
    coalesce(billing.period, erp.period) as period,
    billing.total_minor as billing_amount_minor,
    erp.total_minor as erp_amount_minor,
    case
        when billing.invoice_id is null then
            case apart.copy_role
                when 'voided' then 'erp_voided' when 'manual' then 'manual_erp' when 'credited' then 'credited_copy'
            end
        when erp.erp_internal_id is not null then null
        when billing.status = 'draft' then 'draft'
        when billing.status = 'void' then 'void_before_post'
        when billing.total_minor = 0 then 'zero_total'
    end as excluded_reason,
    {{ coverage('billing_coverage_seconds', 'erp.created_at', 'stripe', 'invoice') }},
    {{ coverage('erp_coverage_seconds', 'coalesce(billing.issued_at, billing.created_at)', 'netsuite', 'transaction') }},
    coalesce(billing.issued_at, billing.created_at, erp.created_at) as event_at,
    billing.customer_id as billing_customer_id,
    erp.customer_id as erp_customer_id,
    billing.number as billing_number,
    erp.number as erp_number,
    billing.invoice_date as billing_invoice_date,
    erp.invoice_date as erp_invoice_date,
    cast({{ days_between('billing.invoice_date', 'erp.invoice_date') }} as bigint) as invoice_date_days,
    -- the ERP took the day of UTC, which at night is not that of the entity
    coalesce(
        erp.invoice_date = {{ local_date('billing.issued_at', 'null') }} and erp.invoice_date <> billing.invoice_date, false
    ) as is_erp_date_of_utc,
    billing.due_date as billing_due_date,
    erp.due_date as erp_due_date,
    cast({{ days_between('billing.due_date', 'erp.due_date') }} as bigint) as due_date_days,
    billing.period as billing_period,
    erp.period as erp_period,
    billing.legal_entity as billing_legal_entity,
    erp.legal_entity as erp_legal_entity,
    billing.currency as billing_currency,
    erp.currency as erp_currency,
    billing.status as billing_status,
    -- what a memo of ours credits whole is void, by the only way that the ERP's API has
    case when credits.corrected_id is not null then 'void' else erp.status end as erp_status,
    billing.subtotal_minor as billing_subtotal_minor,
    erp.subtotal_minor as erp_subtotal_minor,
    billing.tax_minor as billing_tax_minor,
    erp.tax_minor as erp_tax_minor,
    billing.total_minor as billing_total_minor,
    erp.total_minor as erp_total_minor,
    billing.amount_due_minor as billing_amount_due_minor,
    erp.amount_due_minor as erp_amount_due_minor,
    greatest(coalesce(billing.line_count, 0), coalesce(erp.line_count, 0)) as line_count,
    coalesce(apart.copy_role = 'duplicate', false) as is_erp_duplicate,
    apart.duplicate_of,
    apart.duplicate_basis,
    coalesce(erp.is_manual, false) as is_manual,
    coalesce(erp.is_voided, false) as erp_is_voided,
    {{ coverage(
        'erp_status_coverage_seconds',
        'case
            when billing.invoice_id is not null and erp.erp_internal_id is not null
                then greatest(billing.status_changed_at, erp.status_changed_at)
        end',
        'stripe', 'invoice', 'netsuite', 'transaction'
    ) }}
from {{ ref('apart_invoice__billing_vs_erp') }} as apart
left join {{ ref('unlike_invoice__billing_vs_erp') }} as billing on apart.billing_id = billing.invoice_id
left join (
    select * from {{ ref('invoice__erp') }}
    where erp_internal_id in (select erp_id from {{ ref('apart_invoice__billing_vs_erp') }})
) as erp on apart.erp_id = erp.erp_internal_id
left join {{ ref('ledger_correction__erp') }} as credits
    on apart.erp_id = credits.corrected_id and credits.kind = 'credit'
