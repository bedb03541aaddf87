select
    id as change_id,
    opportunityid as opportunity_id,
    field,
    oldvalue as value_before,
    newvalue as value_after,
    createdbyid as changed_by_id,
    {{ from_iso('createddate') }} as changed_at
from {{ source('salesforce', 'opportunity_history') }}
