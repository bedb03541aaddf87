select
    items.item_id as source_id,
    'netsuite' as source_system,
    items.product_code,
    items.name,
    cast(null as varchar) as product_family,
    not items.is_inactive as is_active,
    income.account_number as revenue_account,
    deferred.account_number as deferred_account,
    items.modified_at,
    {{ fingerprint(['items.product_code', 'items.name', 'not items.is_inactive']) }} as fingerprint
from {{ ref('stg_netsuite__items') }} as items
left join {{ ref('stg_netsuite__accounts') }} as income on items.income_account_id = income.account_id
left join {{ ref('stg_netsuite__accounts') }} as deferred on items.deferred_account_id = deferred.account_id
