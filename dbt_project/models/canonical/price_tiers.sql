select
    source_id as price_tier_key,
    'crm' as role,
    price_id,
    version_number,
    is_current,
    product_code,
    currency,
    tiers_mode,
    tier_number,
    lower_bound,
    up_to,
    unit_amount_minor,
    flat_amount_minor,
    valid_from,
    valid_to
from {{ ref('price_tier__crm') }}
union all
select
    source_id as price_tier_key,
    'billing' as role,
    price_id,
    version_number,
    is_current,
    product_code,
    currency,
    tiers_mode,
    tier_number,
    lower_bound,
    up_to,
    unit_amount_minor,
    flat_amount_minor,
    valid_from,
    valid_to
from {{ ref('price_tier__billing') }}
