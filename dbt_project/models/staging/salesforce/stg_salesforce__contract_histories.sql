select
    id as change_id,
    contractid as contract_id,
    field,
    oldvalue as value_before,
    newvalue as value_after,
    createdbyid as changed_by_id,
    {{ from_iso('createddate') }} as changed_at
from {{ source('salesforce', 'contract_history') }}
