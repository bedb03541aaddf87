select
    id as crm_subscription_id,
    name,
    account__c as account_id,
    contract__c as contract_id,
    nullif(stripe_subscription_id__c, '') as stripe_subscription_id,
    lower(replace(status__c, ' ', '_')) as status,
    {{ from_iso('status_changed_at__c') }} as status_changed_at,
    {{ from_iso('createddate') }} as created_at,
    {{ from_iso('systemmodstamp') }} as modified_at
from {{ source('salesforce', 'subscription') }}
