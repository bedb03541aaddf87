{% set attributes = {
    'quantity': 'quantity',
    'unit_mrr': 'unit_mrr_minor',
    'discount_percent': 'discount_percent',
    'product_code': 'product_code',
    'currency': 'currency',
    'start_date': 'start_date',
    'end_date': 'end_date',
} %}
{{ config(materialized='view', meta={'entity': 'contract_line', 'attributes': attributes}) }}

-- The CRM's line, and the subscription items that name it.
with records as (
    select
        'crm' as role,
        'salesforce' as system,
        lines.contract_line_id as source_id,
        lines.contract_line_id as canonical_id,
        contracts.status <> 'draft' and contracts.signed_at is not null as is_signed,
        true as is_preferred,
        true as is_active,
        copies.modified_at,
        lines.currency,
        lines.quantity,
        lines.unit_mrr_minor,
        lines.discount_percent,
        lines.product_code,
        lines.start_date,
        lines.end_date
    from {{ ref('contract_lines') }} as lines
    left join {{ ref('contracts') }} as contracts on lines.contract_id = contracts.contract_id
    left join {{ ref('contract_line__crm') }} as copies on lines.contract_line_id = copies.contract_line_id
    union all
    select
        'billing' as role,
        'stripe' as system,
        items.item_id as source_id,
        items.crm_contract_line_id as canonical_id,
        false as is_signed,
        true as is_preferred,
        true as is_active,
        items.modified_at,
        items.currency,
        items.quantity,
        items.unit_mrr_minor,
        cast((1 - items.discount_factor) * 100 as decimal(9, 6)) as discount_percent,
        items.product_code,
        cast(null as date) as start_date,
        cast(null as date) as end_date
    from {{ ref('subscription_item__billing') }} as items
    inner join {{ ref('contract_lines') }} as lines on items.crm_contract_line_id = lines.contract_line_id
),

{{ values_by_the_matrix('contract_line', attributes) }}
