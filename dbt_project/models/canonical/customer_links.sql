select
    canonical_customer_id,
    role,
    system,
    source_id,
    is_primary,
    method,
    confidence,
    rule,
    first_seen_date
from {{ source('identity', 'crosswalk') }}
