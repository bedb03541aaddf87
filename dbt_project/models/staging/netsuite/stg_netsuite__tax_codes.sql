select
    id as tax_code_id,
    itemid as name,
    cast(rate as decimal(9, 4)) as rate_percent,
    upper(country) as country_code
from {{ source('netsuite', 'tax_code') }}
