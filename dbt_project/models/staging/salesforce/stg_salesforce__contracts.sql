select
    id as contract_id,
    contractnumber as contract_number,
    accountid as account_id,
    opportunity__c as opportunity_id,
    lower(status) as status,
    cast(startdate as date) as start_date,
    cast(enddate as date) as end_date,
    cast(cast(contractterm as decimal(9, 2)) as bigint) as term_months,
    {{ from_iso('activateddate') }} as activated_at,
    upper(legal_entity__c) as legal_entity,
    lower(billing_frequency__c) as billing_frequency,
    coalesce(auto_renew__c, false) as is_auto_renewed,
    nullif(renews_contract__c, '') as renews_contract_id,
    upper(currencyisocode) as currency,
    {{ from_iso('createddate') }} as created_at,
    {{ from_iso('systemmodstamp') }} as modified_at
from {{ source('salesforce', 'contract') }}
