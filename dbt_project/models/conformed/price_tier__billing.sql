select
    concat(tiers.price_id, ':1:', tiers.tier_number) as source_id,
    'stripe' as source_system,
    tiers.price_id,
    versions.version_number,
    versions.is_current,
    versions.product_code,
    versions.currency,
    prices.tiers_mode,
    tiers.tier_number,
    coalesce(lag(tiers.up_to) over (partition by tiers.price_id order by tiers.tier_number), 0) as lower_bound,
    tiers.up_to,
    tiers.unit_amount_minor,
    tiers.flat_amount_minor,
    versions.valid_from,
    versions.valid_to
from {{ ref('stg_stripe__price_tiers') }} as tiers
inner join {{ ref('stg_stripe__prices') }} as prices on tiers.price_id = prices.price_id
inner join {{ ref('price_version__billing') }} as versions on tiers.price_id = versions.source_id
