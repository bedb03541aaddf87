select
    id as product_id,
    name,
    metadata_sku as product_code,
    coalesce(active, false) as is_active,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'product') }}
