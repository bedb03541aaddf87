{% set attributes = {
    'status': 'status',
    'refund_date': 'refund_date',
    'legal_entity': 'legal_entity',
    'currency': 'currency',
    'amount': 'amount_minor',
} %}
{{ config(materialized='view', meta={'entity': 'refund', 'attributes': attributes}) }}

-- What the payment provider issued, and the ERP's copies of it (voided ones are dead).
with records as (
    select
        'billing' as role,
        source_system as system,
        source_id,
        refund_id as canonical_id,
        true as is_signed,
        true as is_preferred,
        true as is_active,
        modified_at,
        status, refund_date, legal_entity, currency, amount_minor
    from {{ ref('refund__billing') }}
    union all
    select
        'erp' as role,
        records.source_system as system,
        records.source_id,
        case
            when copies.copy_role in ('manual', 'unsourced') then 'erp-' || records.erp_internal_id
            else records.refund_id
        end as canonical_id,
        true as is_signed,
        copies.copy_role <> 'duplicate' as is_preferred,
        not records.is_voided as is_active,
        records.modified_at,
        records.status, records.refund_date, records.legal_entity, records.currency, records.amount_minor
    from {{ ref('refund__erp') }} as records
    inner join {{ ref('refund_copies') }} as copies on records.erp_internal_id = copies.erp_internal_id
    where copies.copy_role <> 'voided'
),

{{ values_by_the_matrix('refund', attributes) }}
