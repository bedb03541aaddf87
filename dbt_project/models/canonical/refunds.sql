-- Refunds by the payment provider, and what the ERP paid back by itself.
with billing as (
    select
        billing.refund_id as refund_key,
        billing.refund_id,
        copies.erp_internal_id,
        'billing' as owner_role,
        billing.payment_id as payment_key,
        billing.credit_note_id as credit_note_key,
        billing.invoice_id as invoice_key,
        billing.canonical_customer_id,
        billing.status,
        billing.is_settled,
        billing.reason,
        billing.paid_at,
        billing.refund_date,
        billing.period,
        billing.legal_entity,
        billing.currency,
        billing.amount_minor,
        billing.credited_minor,
        billing.correlation_id,
        billing.modified_at
    from {{ ref('refund__billing') }} as billing
    left join {{ ref('refund_copies') }} as copies
        on billing.refund_id = copies.refund_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        'erp-' || erp.erp_internal_id as refund_key,
        cast(null as varchar) as refund_id,
        erp.erp_internal_id,
        'erp' as owner_role,
        payments.payment_key,
        notes.credit_note_key,
        notes.invoice_key,
        erp.canonical_customer_id,
        erp.status,
        erp.is_settled,
        cast(null as varchar) as reason,
        erp.paid_at,
        erp.refund_date,
        erp.period,
        erp.legal_entity,
        erp.currency,
        erp.amount_minor,
        erp.credited_minor,
        coalesce(erp.correlation_id, notes.correlation_id) as correlation_id,
        erp.modified_at
    from {{ ref('refund__erp') }} as erp
    inner join {{ ref('refund_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    left join {{ ref('credit_notes') }} as notes on erp.credit_note_erp_internal_id = notes.erp_internal_id
    left join {{ ref('payments') }} as payments on erp.payment_id = payments.payment_id
    where copies.copy_role in ('manual', 'unsourced')
)

select * from billing
union all
select * from erp_only
