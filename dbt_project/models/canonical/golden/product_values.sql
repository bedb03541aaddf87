{% set attributes = {'name': 'name', 'product_family': 'product_family', 'is_active': 'is_active'} %}
{{ config(materialized='view', meta={'entity': 'product', 'attributes': attributes}) }}

with records as (
    {%- for role in ['crm', 'billing', 'erp'] %}
    select
        '{{ role }}' as role,
        source_system as system,
        source_id,
        product_code as canonical_id,
        true as is_signed,
        -- a retired record must not hide the one in use
        is_active as is_preferred,
        is_active,
        modified_at,
        cast(null as varchar) as currency,
        name,
        product_family
    from {{ ref('product__' ~ role) }}
    union all
    {%- endfor %}
    select
        'canonical' as role,
        'tieout' as system,
        product_code as source_id,
        product_code as canonical_id,
        true as is_signed,
        true as is_preferred,
        is_active,
        cast(null as timestamp) as modified_at,
        cast(null as varchar) as currency,
        cast(null as varchar) as name,
        cast(null as varchar) as product_family
    from {{ ref('products') }}
),

{{ values_by_the_matrix('product', attributes) }}
