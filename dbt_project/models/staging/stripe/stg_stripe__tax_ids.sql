select
    id as tax_id_id,
    customer as customer_id,
    type as tax_id_type,
    {{ plain_tax_id('value') }} as tax_id,
    upper(country) as country_code,
    verification_status,
    row_number() over (partition by customer order by created desc, id desc) as recency,
    {{ from_unix('created') }} as created_at
from {{ source('stripe', 'tax_id') }}
