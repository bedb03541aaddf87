select
    id as term_id,
    name,
    cast(cast(daysuntilnetdue as decimal(9, 2)) as bigint) as days_until_due
from {{ source('netsuite', 'term') }}
