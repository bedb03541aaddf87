select
    product_id as source_id,
    'stripe' as source_system,
    product_code,
    name,
    cast(null as varchar) as product_family,
    is_active,
    modified_at,
    {{ fingerprint(['product_code', 'name', 'is_active']) }} as fingerprint
from {{ ref('stg_stripe__products') }}
