-- A table: its JSON is read by several models. One row per tier of a price, in the order of the price.
{{ config(materialized='table') }}

with listed as (
    select
        id as price_id,
        {{ stripe_list('tiers') }} as tiers,
        unnest(range(1, cast(coalesce(json_array_length(tiers), 0) as bigint) + 1)) as tier_number
    from {{ source('stripe', 'price') }}
),

opened as (
    select
        price_id,
        tier_number,
        tiers[tier_number] as tier
    from listed
)

select
    price_id,
    cast(tier_number as bigint) as tier_number,
    cast(json_extract_string(tier, '$.up_to') as bigint) as up_to,
    -- amounts finer than one minor unit have only the decimal form
    coalesce(
        cast(json_extract_string(tier, '$.unit_amount_decimal') as decimal(28, 12)),
        cast(json_extract_string(tier, '$.unit_amount') as decimal(28, 12)),
        0
    ) as unit_amount_minor,
    coalesce(
        cast(json_extract_string(tier, '$.flat_amount_decimal') as decimal(28, 12)),
        cast(json_extract_string(tier, '$.flat_amount') as decimal(28, 12)),
        0
    ) as flat_amount_minor
from opened
