select
    id as pricebook_entry_id,
    product2id as product_id,
    cast(unitprice as decimal(28, 8)) as unit_price,
    tiers__c as tiers_json,
    upper(currencyisocode) as currency,
    coalesce(isactive, false) as is_active,
    {{ from_iso('createddate') }} as created_at,
    {{ from_iso('systemmodstamp') }} as modified_at
from {{ source('control', 'pricebook_entry_versions') }}
