-- Who is billed by an invoice, beside whom the ERP posted it to, each with the family that stands above.
with families as (
    select canonical_customer_id, ultimate_parent_customer_id
    from {{ ref('customer_hierarchy') }}
),

parties as (
    select
        billing.invoice_id,
        billing.correlation_id,
        billing.legal_entity,
        billing.currency,
        billing.period,
        billing.total_minor,
        billing.amount_due_minor,
        billing.issued_at,
        billing.modified_at,
        billing.canonical_customer_id as billed_customer_id,
        erp.erp_internal_id,
        erp.is_voided,
        erp.amount_due_minor as erp_amount_due_minor,
        erp.total_minor as erp_total_minor,
        erp.canonical_customer_id as posted_customer_id,
        coalesce(payers.ultimate_parent_customer_id, billing.canonical_customer_id) as billed_family_id,
        coalesce(debtors.ultimate_parent_customer_id, erp.canonical_customer_id) as posted_family_id
    from {{ ref('invoices') }} as invoices
    inner join {{ ref('invoice__billing') }} as billing on invoices.invoice_id = billing.invoice_id
    inner join {{ ref('invoice__erp') }} as erp on invoices.erp_internal_id = erp.erp_internal_id
    left join families as payers on billing.canonical_customer_id = payers.canonical_customer_id
    left join families as debtors on erp.canonical_customer_id = debtors.canonical_customer_id
)

select
    'stripe:' || invoice_id as row_key,
    'invoice' as entity,
    billed_customer_id as canonical_id,
    correlation_id,
    invoice_id as billing_id,
    erp_internal_id as erp_id,
    true as has_billing,
    true as has_erp,
    legal_entity,
    currency,
    period,
    total_minor as billing_amount_minor,
    erp_total_minor as erp_amount_minor,
    case
        when is_voided then 'erp_voided'
        when billed_customer_id is null or posted_customer_id is null then 'customer_unknown'
    end as excluded_reason,
    cast(null as bigint) as billing_coverage_seconds,
    {{ coverage('erp_coverage_seconds', 'issued_at', 'netsuite', 'transaction') }},
    issued_at as event_at,
    billed_customer_id,
    posted_customer_id,
    coalesce(erp_amount_due_minor, amount_due_minor, 0) as open_minor,
    billed_family_id <> posted_family_id as is_other_family
from parties
