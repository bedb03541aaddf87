-- Billing is the document of record; credit notes that only the ERP has count once, without duplicates and voided copies.
with applied as (
    select
        credit_note_id,
        sum(applied_minor) as applied_minor,
        sum(case when method = 'customer_balance' then applied_minor else 0 end) as by_balance_minor
    from {{ ref('credit_note_application__billing') }}
    group by credit_note_id
),

billing as (
    select
        billing.credit_note_id as credit_note_key,
        billing.credit_note_id,
        copies.erp_internal_id,
        'billing' as owner_role,
        billing.number,
        billing.canonical_customer_id,
        invoices.invoice_key,
        billing.status,
        billing.reason,
        billing.issued_at,
        billing.voided_at,
        billing.credit_date,
        billing.period,
        billing.legal_entity,
        billing.currency,
        billing.subtotal_minor,
        billing.tax_minor,
        billing.total_minor,
        cast(coalesce(applied.applied_minor, 0) as bigint) as applied_minor,
        billing.refunded_minor,
        billing.out_of_band_minor,
        -- by what stands on the balance, not by what is left of the total: a test holds the two together
        cast(billing.balance_minor - coalesce(applied.by_balance_minor, 0) as bigint) as unapplied_minor,
        billing.correlation_id,
        billing.modified_at
    from {{ ref('credit_note__billing') }} as billing
    left join applied on billing.credit_note_id = applied.credit_note_id
    left join {{ ref('invoices') }} as invoices on billing.invoice_id = invoices.invoice_id
    left join {{ ref('credit_note_copies') }} as copies
        on billing.credit_note_id = copies.credit_note_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        'erp-' || erp.erp_internal_id as credit_note_key,
        cast(null as varchar) as credit_note_id,
        erp.erp_internal_id,
        'erp' as owner_role,
        erp.number,
        erp.canonical_customer_id,
        invoices.invoice_key,
        erp.status,
        cast(null as varchar) as reason,
        erp.issued_at,
        cast(null as timestamp) as voided_at,
        erp.credit_date,
        erp.period,
        erp.legal_entity,
        erp.currency,
        erp.subtotal_minor,
        erp.tax_minor,
        erp.total_minor,
        erp.applied_minor,
        erp.refunded_minor,
        cast(0 as bigint) as out_of_band_minor,
        erp.unapplied_minor,
        erp.correlation_id,
        erp.modified_at
    from {{ ref('credit_note__erp') }} as erp
    inner join {{ ref('credit_note_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    left join {{ ref('invoices') }} as invoices on erp.invoice_erp_internal_id = invoices.erp_internal_id
    where copies.copy_role in ('manual', 'unsourced')
)

select * from billing
union all
select * from erp_only
