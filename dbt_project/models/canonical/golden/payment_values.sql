{% set attributes = {
    'amount': 'amount_minor',
    'currency': 'currency',
    'legal_entity': 'legal_entity',
    'status': 'status',
    'is_settled': 'is_settled',
    'invoice_id': 'invoice_id',
} %}
{{ config(materialized='view', meta={'entity': 'payment', 'attributes': attributes}) }}

-- The payment provider's charge, the ERP's records of it (voided ones are dead), and what is computed.
with records as (
    select
        'billing' as role,
        source_system as system,
        source_id,
        payment_id as canonical_id,
        true as is_signed,
        true as is_preferred,
        true as is_active,
        modified_at,
        amount_minor,
        currency,
        legal_entity,
        status,
        cast(null as boolean) as is_settled,
        invoice_id
    from {{ ref('payment__billing') }}
    union all
    select
        'erp' as role,
        payments.source_system as system,
        payments.source_id,
        case
            when copies.copy_role in ('bank_collected', 'unsourced') then 'erp-' || payments.erp_internal_id
            else payments.payment_id
        end as canonical_id,
        true as is_signed,
        copies.copy_role <> 'duplicate' as is_preferred,
        not payments.is_voided as is_active,
        payments.modified_at,
        payments.amount_minor,
        payments.currency,
        payments.legal_entity,
        payments.status,
        cast(null as boolean) as is_settled,
        payments.invoice_id
    from {{ ref('payment__erp') }} as payments
    inner join {{ ref('payment_copies') }} as copies on payments.erp_internal_id = copies.erp_internal_id
    where copies.copy_role <> 'voided'
    union all
    select
        'canonical' as role,
        'tieout' as system,
        payment_key as source_id,
        payment_key as canonical_id,
        true as is_signed,
        true as is_preferred,
        true as is_active,
        cast(null as timestamp) as modified_at,
        cast(null as bigint) as amount_minor,
        cast(null as varchar) as currency,
        cast(null as varchar) as legal_entity,
        cast(null as varchar) as status,
        is_settled,
        cast(null as varchar) as invoice_id
    from {{ ref('payments') }}
),

{{ values_by_the_matrix('payment', attributes) }}
