select
    product_id as source_id,
    'salesforce' as source_system,
    product_code,
    name,
    product_family,
    is_active,
    modified_at,
    {{ fingerprint(['product_code', 'name', 'is_active']) }} as fingerprint
from {{ ref('stg_salesforce__products') }}
