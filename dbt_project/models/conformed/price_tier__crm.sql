select
    concat(tiers.pricebook_entry_id, ':', tiers.tier_number) as source_id,
    'salesforce' as source_system,
    tiers.pricebook_entry_id as price_id,
    products.product_code,
    entries.currency,
    -- the price book knows graduated tiers only
    'graduated' as tiers_mode,
    tiers.tier_number,
    coalesce(lag(tiers.up_to) over (partition by tiers.pricebook_entry_id order by tiers.tier_number), 0) as lower_bound,
    tiers.up_to,
    cast(tiers.unit_price * currencies.minor_per_unit as decimal(28, 12)) as unit_amount_minor,
    cast(tiers.flat_price * currencies.minor_per_unit as decimal(28, 12)) as flat_amount_minor
from {{ ref('stg_salesforce__pricebook_entry_tiers') }} as tiers
inner join {{ ref('stg_salesforce__pricebook_entries') }} as entries
    on tiers.pricebook_entry_id = entries.pricebook_entry_id
left join {{ ref('stg_salesforce__products') }} as products on entries.product_id = products.product_id
left join {{ ref('currencies') }} as currencies on entries.currency = currencies.currency
