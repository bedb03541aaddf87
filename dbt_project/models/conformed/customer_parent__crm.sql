select
    accounts.account_id as source_id,
    'salesforce' as source_system,
    crosswalk.canonical_customer_id,
    coalesce(crosswalk.is_primary, false) as is_primary,
    accounts.parent_account_id as parent_source_id,
    parents.canonical_customer_id as parent_customer_id,
    accounts.modified_at
from {{ ref('stg_salesforce__accounts') }} as accounts
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'salesforce' and accounts.account_id = crosswalk.source_id
left join {{ source('identity', 'crosswalk') }} as parents
    on parents.system = 'salesforce' and accounts.parent_account_id = parents.source_id
where accounts.parent_account_id is not null
