select
    concat(tiers.price_id, ':', tiers.tier_number) as source_id,
    'stripe' as source_system,
    tiers.price_id,
    products.product_code,
    prices.currency,
    prices.tiers_mode,
    tiers.tier_number,
    coalesce(lag(tiers.up_to) over (partition by tiers.price_id order by tiers.tier_number), 0) as lower_bound,
    tiers.up_to,
    tiers.unit_amount_minor,
    tiers.flat_amount_minor
from {{ ref('stg_stripe__price_tiers') }} as tiers
inner join {{ ref('stg_stripe__prices') }} as prices on tiers.price_id = prices.price_id
left join {{ ref('stg_stripe__products') }} as products on prices.product_id = products.product_id
