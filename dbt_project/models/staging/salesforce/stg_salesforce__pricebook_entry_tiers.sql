-- One row per tier of a price book entry, in its order; prices as decimals in units of the entry's currency.
with listed as (
    select
        id as pricebook_entry_id,
        cast(json(tiers__c) as json[]) as tiers,
        unnest(range(1, cast(coalesce(json_array_length(tiers__c), 0) as bigint) + 1)) as tier_number
    from {{ source('salesforce', 'pricebook_entry') }}
),

opened as (
    select
        pricebook_entry_id,
        tier_number,
        tiers[tier_number] as tier
    from listed
)

select
    pricebook_entry_id,
    cast(tier_number as bigint) as tier_number,
    cast(json_extract_string(tier, '$.up_to') as bigint) as up_to,
    cast(json_extract_string(tier, '$.unit_price') as decimal(20, 6)) as unit_price,
    coalesce(cast(json_extract_string(tier, '$.flat_price') as decimal(20, 6)), 0) as flat_price
from opened
