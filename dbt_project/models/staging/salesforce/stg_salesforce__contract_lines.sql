select
    id as contract_line_id,
    contract__c as contract_id,
    product__c as product_id,
    cast(cast(quantity__c as decimal(18, 4)) as bigint) as quantity,
    cast(unit_price__c as decimal(20, 6)) as unit_price,
    lower(price_period__c) as price_period,
    cast(coalesce(discount_percent__c, '0') as decimal(9, 6)) as discount_percent,
    cast(start_date__c as date) as start_date,
    cast(end_date__c as date) as end_date,
    {{ from_iso('effective_at__c') }} as effective_at,
    coalesce(co_termed__c, false) as is_co_termed,
    lower(nullif(pricing_model__c, '')) as pricing_model,
    upper(currencyisocode) as currency,
    {{ from_iso('createddate') }} as created_at,
    {{ from_iso('systemmodstamp') }} as modified_at
from {{ source('salesforce', 'contract_line') }}
