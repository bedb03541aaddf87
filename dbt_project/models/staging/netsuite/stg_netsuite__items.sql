select
    id as item_id,
    itemid as product_code,
    displayname as name,
    incomeaccount as income_account_id,
    deferredrevenueaccount as deferred_account_id,
    coalesce(isinactive, 'F') = 'T' as is_inactive,
    cast(lastmodifieddate as timestamp) as modified_at
from {{ source('netsuite', 'item') }}
