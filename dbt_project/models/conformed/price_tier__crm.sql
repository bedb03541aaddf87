-- Of the version that holds the tiers of today, of earlier ones those that a night read.
with tiers as (
    select
        versions.source_id,
        versions.version_number,
        listed.tier_number,
        listed.up_to,
        listed.unit_price,
        listed.flat_price
    from {{ ref('price_version__crm') }} as versions
    inner join {{ ref('stg_salesforce__pricebook_entry_tiers') }} as listed
        on versions.source_id = listed.pricebook_entry_id
    where versions.is_current
    union all
    select
        versions.source_id,
        versions.version_number,
        listed.tier_number,
        listed.up_to,
        listed.unit_price,
        listed.flat_price
    from {{ ref('price_version__crm') }} as versions
    inner join {{ ref('stg_salesforce__pricebook_entry_tier_versions') }} as listed
        on versions.source_id = listed.pricebook_entry_id and versions.modified_at = listed.modified_at
    where not versions.is_current
)

select
    concat(tiers.source_id, ':', tiers.version_number, ':', tiers.tier_number) as source_id,
    'salesforce' as source_system,
    tiers.source_id as price_id,
    versions.version_number,
    versions.is_current,
    versions.product_code,
    versions.currency,
    -- the price book knows graduated tiers only
    'graduated' as tiers_mode,
    tiers.tier_number,
    coalesce(
        lag(tiers.up_to) over (partition by tiers.source_id, tiers.version_number order by tiers.tier_number), 0
    ) as lower_bound,
    tiers.up_to,
    cast(tiers.unit_price * currencies.minor_per_unit as decimal(28, 12)) as unit_amount_minor,
    cast(tiers.flat_price * currencies.minor_per_unit as decimal(28, 12)) as flat_amount_minor,
    versions.valid_from,
    versions.valid_to
from tiers
inner join {{ ref('price_version__crm') }} as versions
    on tiers.source_id = versions.source_id and tiers.version_number = versions.version_number
left join {{ ref('currencies') }} as currencies on versions.currency = currencies.currency
