select
    id as subsidiary_id,
    name,
    upper(country) as country_code,
    currency as currency_id,
    upper(custrecord_entity_code) as legal_entity,
    custrecord_timezone as time_zone
from {{ source('netsuite', 'subsidiary') }}
