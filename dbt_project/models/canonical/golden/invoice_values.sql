{% set attributes = {
    'number': 'number',
    'status': 'status',
    'invoice_date': 'invoice_date',
    'due_date': 'due_date',
    'period': 'period',
    'posting_period': 'posting_period',
    'legal_entity': 'legal_entity',
    'currency': 'currency',
    'subtotal': 'subtotal_minor',
    'tax': 'tax_minor',
    'total': 'total_minor',
    'amount_due': 'amount_due_minor',
} %}
{{ config(materialized='view', meta={'entity': 'invoice', 'attributes': attributes}) }}
{% set columns %}
    number, status, invoice_date, due_date, legal_entity, currency, subtotal_minor, tax_minor, total_minor,
    amount_due_minor
{% endset %}

-- Billing's invoice, the ERP's copies of it (voided ones are dead), and what is computed.
with erp_keys as (
    select
        copies.erp_internal_id,
        copies.copy_role,
        case
            when copies.copy_role in ('manual', 'unsourced') then 'erp-' || copies.erp_internal_id
            else coalesce(copies.invoice_id, standing.invoice_id)
        end as invoice_key
    from {{ ref('invoice_copies') }} as copies
    left join {{ ref('invoice_copies') }} as standing on copies.duplicate_of = standing.erp_internal_id
    where copies.copy_role not in ('voided', 'credited')
),

records as (
    select
        'billing' as role,
        source_system as system,
        source_id,
        invoice_id as canonical_id,
        true as is_signed,
        true as is_preferred,
        not is_voided as is_active,
        modified_at,
        cast(null as varchar) as posting_period,
        cast(null as varchar) as period,
        {{ columns }}
    from {{ ref('invoice__billing') }}
    union all
    select
        'erp' as role,
        invoices.source_system as system,
        invoices.source_id,
        erp_keys.invoice_key as canonical_id,
        true as is_signed,
        erp_keys.copy_role <> 'duplicate' as is_preferred,
        not invoices.is_voided as is_active,
        invoices.modified_at,
        invoices.period as posting_period,
        cast(null as varchar) as period,
        {{ columns }}
    from {{ ref('invoice__erp') }} as invoices
    inner join erp_keys on invoices.erp_internal_id = erp_keys.erp_internal_id
    union all
    select
        'canonical' as role,
        'tieout' as system,
        invoice_key as source_id,
        invoice_key as canonical_id,
        true as is_signed,
        true as is_preferred,
        true as is_active,
        cast(null as timestamp) as modified_at,
        cast(null as varchar) as posting_period,
        period,
        cast(null as varchar) as number,
        cast(null as varchar) as status,
        cast(null as date) as invoice_date,
        cast(null as date) as due_date,
        cast(null as varchar) as legal_entity,
        currency,
        cast(null as bigint) as subtotal_minor,
        cast(null as bigint) as tax_minor,
        cast(null as bigint) as total_minor,
        amount_due_minor
    from {{ ref('invoices') }}
),

{{ values_by_the_matrix('invoice', attributes) }}
