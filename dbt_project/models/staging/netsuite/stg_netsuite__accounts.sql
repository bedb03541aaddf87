select
    id as account_id,
    acctnumber as account_number,
    fullname as name,
    accttype as account_type,
    coalesce(isinactive, 'F') = 'T' as is_inactive,
    cast(lastmodifieddate as timestamp) as modified_at
from {{ source('netsuite', 'account') }}
