select
    item_id as source_id,
    'netsuite' as source_system,
    product_code,
    name,
    cast(null as varchar) as product_family,
    not is_inactive as is_active,
    modified_at,
    {{ fingerprint(['product_code', 'name', 'not is_inactive']) }} as fingerprint
from {{ ref('stg_netsuite__items') }}
