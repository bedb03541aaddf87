select
    customers.customer_id as source_id,
    'netsuite' as source_system,
    crosswalk.canonical_customer_id,
    coalesce(crosswalk.is_primary, false) as is_primary,
    customers.parent_customer_id as parent_source_id,
    parents.canonical_customer_id as parent_customer_id,
    customers.modified_at
from {{ ref('stg_netsuite__customers') }} as customers
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'netsuite' and customers.customer_id = crosswalk.source_id
left join {{ source('identity', 'crosswalk') }} as parents
    on parents.system = 'netsuite' and customers.parent_customer_id = parents.source_id
where customers.parent_customer_id is not null
