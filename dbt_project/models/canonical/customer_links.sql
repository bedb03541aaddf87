-- A view: the evidence tells each night anew when a link was last seen.
{{ config(materialized='view') }}

select
    canonical_customer_id,
    role,
    system,
    source_id,
    is_primary,
    method,
    cast(confidence as double) as confidence,
    rule,
    band,
    cast(first_seen_date as date) as first_seen_date,
    cast(since_date as date) as since_date,
    evidence
from {{ source('identity', 'crosswalk') }}
