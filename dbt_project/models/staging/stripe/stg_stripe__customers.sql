select
    id as customer_id,
    name as legal_name,
    {{ plain_email('email') }} as invoice_email,
    address_line1 as street,
    address_city as city,
    address_postal_code as postal_code,
    upper(address_country) as country_code,
    upper(currency) as currency,
    nullif(metadata_crm_account_id, '') as crm_account_id,
    nullif(metadata_netsuite_customer_id, '') as netsuite_customer_id,
    coalesce(metadata_channel, 'sales_led') as channel,
    upper(metadata_legal_entity) as legal_entity,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'customer') }}
