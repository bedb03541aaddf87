{% set attributes = {
    'number': 'number',
    'status': 'status',
    'credit_date': 'credit_date',
    'legal_entity': 'legal_entity',
    'currency': 'currency',
    'subtotal': 'subtotal_minor',
    'tax': 'tax_minor',
    'total': 'total_minor',
} %}
{{ config(materialized='view', meta={'entity': 'credit_note', 'attributes': attributes}) }}

-- What the payment provider issued, and the ERP's copies of it (voided ones are dead).
with records as (
    select
        'billing' as role,
        source_system as system,
        source_id,
        credit_note_id as canonical_id,
        true as is_signed,
        true as is_preferred,
        true as is_active,
        modified_at,
        number, status, credit_date, legal_entity, currency, subtotal_minor, tax_minor, total_minor
    from {{ ref('credit_note__billing') }}
    union all
    select
        'erp' as role,
        records.source_system as system,
        records.source_id,
        case
            when copies.copy_role in ('manual', 'unsourced') then 'erp-' || records.erp_internal_id
            else records.credit_note_id
        end as canonical_id,
        true as is_signed,
        copies.copy_role <> 'duplicate' as is_preferred,
        not records.is_voided as is_active,
        records.modified_at,
        records.number, records.status, records.credit_date, records.legal_entity, records.currency, records.subtotal_minor, records.tax_minor, records.total_minor
    from {{ ref('credit_note__erp') }} as records
    inner join {{ ref('credit_note_copies') }} as copies on records.erp_internal_id = copies.erp_internal_id
    where copies.copy_role <> 'voided'
),

{{ values_by_the_matrix('credit_note', attributes) }}
