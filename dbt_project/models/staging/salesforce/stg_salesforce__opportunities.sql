select
    id as opportunity_id,
    accountid as account_id,
    name,
    stagename as stage_name,
    q2c_key__c as q2c_key,
    cast(amount as decimal(28, 8)) as amount,
    cast(closedate as date) as close_date,
    coalesce(iswon, false) as is_won,
    coalesce(isclosed, false) as is_closed,
    contractid as contract_id,
    upper(currencyisocode) as currency,
    {{ from_iso('createddate') }} as created_at,
    {{ from_iso('systemmodstamp') }} as modified_at
from {{ source('salesforce', 'opportunity') }}
