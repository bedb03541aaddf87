select
    id as account_id,
    name as legal_name,
    website,
    billingstreet as street,
    billingcity as city,
    billingpostalcode as postal_code,
    upper(billingcountrycode) as country_code,
    upper(currencyisocode) as currency,
    parentid as parent_account_id,
    lower(type) as account_type,
    masterrecordid as master_account_id,
    {{ plain_tax_id('tax_id__c') }} as tax_id,
    {{ plain_email('invoice_email__c') }} as invoice_email,
    -- 'Net 30' and 'Due on receipt' are the forms that sales uses
    case
        when lower(payment_terms__c) like 'due on receipt%' then 0
        else cast(nullif(regexp_extract(payment_terms__c, '([0-9]+)', 1), '') as bigint)
    end as payment_terms_days,
    nullif(q2c_customer_key__c, '') as canonical_key,
    nullif(stripe_customer_id__c, '') as stripe_customer_id,
    nullif(netsuite_customer_id__c, '') as netsuite_customer_id,
    cast(arr__c as decimal(28, 6)) as arr,
    {{ from_iso('createddate') }} as created_at,
    -- systemmodstamp moves with each roll-up of contracts too, though nobody changed the account
    {{ from_iso('lastmodifieddate') }} as modified_at
from {{ source('salesforce', 'account') }}
