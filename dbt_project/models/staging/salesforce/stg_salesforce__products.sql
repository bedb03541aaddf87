select
    id as product_id,
    name,
    productcode as product_code,
    family as product_family,
    coalesce(isactive, false) as is_active,
    {{ from_iso('createddate') }} as created_at,
    {{ from_iso('systemmodstamp') }} as modified_at
from {{ source('salesforce', 'product2') }}
