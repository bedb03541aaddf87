-- Charges by the payment provider, and what the bank collected and only the ERP knows of.
with billing as (
    select
        billing.payment_id as payment_key,
        billing.payment_id,
        copies.erp_internal_id,
        'billing' as owner_role,
        billing.canonical_customer_id,
        billing.invoice_id,
        billing.status,
        billing.is_settled,
        billing.paid_at,
        billing.legal_entity,
        billing.currency,
        billing.amount_minor,
        billing.fee_minor,
        billing.settlement_currency,
        billing.conversion_rate,
        billing.correlation_id,
        billing.modified_at
    from {{ ref('payment__billing') }} as billing
    left join {{ ref('payment_copies') }} as copies
        on billing.payment_id = copies.payment_id and copies.copy_role = 'primary'
),

erp_only as (
    select
        'erp-' || erp.erp_internal_id as payment_key,
        cast(null as varchar) as payment_id,
        erp.erp_internal_id,
        'erp' as owner_role,
        erp.canonical_customer_id,
        erp.invoice_id,
        erp.status,
        erp.is_settled,
        erp.paid_at,
        erp.legal_entity,
        erp.currency,
        erp.amount_minor,
        cast(null as bigint) as fee_minor,
        cast(null as varchar) as settlement_currency,
        cast(null as decimal(28, 14)) as conversion_rate,
        erp.correlation_id,
        erp.modified_at
    from {{ ref('payment__erp') }} as erp
    inner join {{ ref('payment_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    where copies.copy_role in ('bank_collected', 'unsourced')
)

select * from billing
union all
select * from erp_only
