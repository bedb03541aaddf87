{% set attributes = {'list_unit_amount': 'list_unit_amount'} %}
{{ config(materialized='view', meta={'entity': 'price', 'attributes': attributes}) }}
{% set key = "product_code || '|' || currency || '|' || price_interval" %}

-- Of several active entries of the price book the dearest is the list price. Billing's prices are no candidates: those that
-- single contracts negotiated look like list prices there.
with records as (
    select
        'crm' as role,
        source_system as system,
        source_id,
        {{ key }} as canonical_id,
        true as is_signed,
        unit_amount_decimal = max(unit_amount_decimal) over (
            partition by product_code, currency, price_interval
        ) as is_preferred,
        is_active,
        modified_at,
        currency,
        unit_amount_decimal as list_unit_amount
    from {{ ref('price__crm') }}
    where is_active
),

{{ values_by_the_matrix('price', attributes) }}
