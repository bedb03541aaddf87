select
    id as customer_id,
    entityid as entity_number,
    companyname as legal_name,
    nullif(externalid, '') as external_id,
    {{ plain_email('email') }} as invoice_email,
    url as website,
    subsidiary as subsidiary_id,
    currency as currency_id,
    terms as term_id,
    coalesce(isinactive, 'F') = 'T' as is_inactive,
    {{ plain_tax_id('vatregnumber') }} as tax_id,
    upper(billcountry) as country_code,
    billzip as postal_code,
    nullif(custentity_stripe_id, '') as stripe_customer_id,
    nullif(custentity_sfdc_id, '') as crm_account_id,
    cast(datecreated as timestamp) as created_at,
    cast(lastmodifieddate as timestamp) as modified_at
from {{ source('netsuite', 'customer') }}
