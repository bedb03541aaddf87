-- The closure of the tree: each customer with itself (distance 0) and each customer above it, so that a roll-up is one join.
with {{ walked_ancestors(
    "select canonical_customer_id, parent_customer_id from " ~ ref('customer_parents'), var('hierarchy_depth_limit')
) }}

select
    canonical_customer_id,
    canonical_customer_id as ancestor_customer_id,
    cast(0 as bigint) as distance,
    '/' || canonical_customer_id || '/' as path
from {{ ref('customers') }}
union all
select
    canonical_customer_id,
    ancestor_customer_id,
    distance,
    path
from walked
