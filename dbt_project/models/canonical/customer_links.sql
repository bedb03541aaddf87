select
    canonical_customer_id,
    role,
    system,
    source_id,
    is_primary,
    method,
    cast(confidence as double) as confidence,
    rule,
    cast(first_seen_date as date) as first_seen_date
from {{ source('identity', 'crosswalk') }}
