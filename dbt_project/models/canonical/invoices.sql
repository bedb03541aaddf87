-- Billing is the document of record; invoices that only the ERP has count once, without duplicates and voided copies.
with billing as (
    select
        billing.invoice_id as invoice_key,
        billing.invoice_id,
        copies.erp_internal_id,
        'billing' as owner_role,
        billing.number,
        billing.canonical_customer_id,
        billing.status,
        billing.issued_at,
        billing.invoice_date,
        billing.due_date,
        billing.period,
        billing.legal_entity,
        billing.currency,
        billing.subtotal_minor,
        billing.tax_minor,
        billing.total_minor,
        billing.amount_due_minor,
        billing.line_count,
        billing.subscription_id,
        billing.correlation_id,
        billing.modified_at
    from {{ ref('invoice__billing') }} as billing
    left join {{ ref('invoice_copies') }} as copies
        on billing.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        'erp-' || erp.erp_internal_id as invoice_key,
        cast(null as varchar) as invoice_id,
        erp.erp_internal_id,
        'erp' as owner_role,
        erp.number,
        erp.canonical_customer_id,
        erp.status,
        erp.issued_at,
        erp.invoice_date,
        erp.due_date,
        erp.period,
        erp.legal_entity,
        erp.currency,
        erp.subtotal_minor,
        erp.tax_minor,
        erp.total_minor,
        erp.amount_due_minor,
        erp.line_count,
        erp.subscription_id,
        erp.correlation_id,
        erp.modified_at
    from {{ ref('invoice__erp') }} as erp
    inner join {{ ref('invoice_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    where copies.copy_role in ('manual', 'unsourced')
)

select * from billing
union all
select * from erp_only
