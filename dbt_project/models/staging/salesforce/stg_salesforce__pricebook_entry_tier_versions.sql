-- One row per tier of a price book entry as it was in each of its versions, in its order; prices as decimals in units of the
-- entry's currency. What was read before the field had a contract may be anything: what is no list has no tiers.
with listed as (
    select
        id as pricebook_entry_id,
        {{ from_iso('systemmodstamp') }} as modified_at,
        cast(case when {{ json_array_size('tiers__c') }} > 0 then tiers__c end as json) as tiers,
        unnest(range(0, cast(coalesce({{ json_array_size('tiers__c') }}, 0) as bigint))) as place
    from {{ source('control', 'pricebook_entry_versions') }}
),

opened as (
    select
        pricebook_entry_id,
        modified_at,
        place + 1 as tier_number,
        cast(json(tiers) as json[])[place + 1] as tier
    from listed
)

select
    pricebook_entry_id,
    modified_at,
    cast(tier_number as bigint) as tier_number,
    try_cast(json_extract_string(tier, '$.up_to') as bigint) as up_to,
    try_cast(json_extract_string(tier, '$.unit_price') as decimal(20, 6)) as unit_price,
    coalesce(try_cast(json_extract_string(tier, '$.flat_price') as decimal(20, 6)), 0) as flat_price
from opened
