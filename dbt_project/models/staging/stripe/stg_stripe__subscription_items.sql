-- A table: its JSON is read by several models. One row per item of a subscription, with the price that it is billed at.
{{ config(materialized='table') }}

with items as (
    select
        id as subscription_id,
        unnest({{ stripe_list('items') }}) as item
    from {{ source('stripe', 'subscription') }}
)

select
    json_extract_string(item, '$.id') as item_id,
    subscription_id,
    json_extract_string(item, '$.price.id') as price_id,
    json_extract_string(item, '$.price.product') as product_id,
    upper(json_extract_string(item, '$.price.currency')) as currency,
    coalesce(
        cast(json_extract_string(item, '$.price.unit_amount_decimal') as decimal(28, 12)),
        cast(json_extract_string(item, '$.price.unit_amount') as decimal(28, 12))
    ) as unit_amount_minor,
    json_extract_string(item, '$.price.recurring.interval') as price_interval,
    coalesce(cast(json_extract_string(item, '$.price.recurring.interval_count') as bigint), 1) as interval_count,
    coalesce(json_extract_string(item, '$.price.billing_scheme'), 'per_unit') as billing_scheme,
    json_extract_string(item, '$.price.tiers_mode') as tiers_mode,
    coalesce(json_extract_string(item, '$.price.recurring.usage_type'), 'licensed') as usage_type,
    json_extract_string(item, '$.price.recurring.meter') as meter_id,
    {{ from_unix("json_extract_string(item, '$.current_period_start')") }} as period_start_at,
    {{ from_unix("json_extract_string(item, '$.current_period_end')") }} as period_end_at,
    {{ stripe_discount_factor("json_extract(item, '$.discounts')") }} as discount_factor,
    {{ from_unix(stripe_discount_end("json_extract(item, '$.discounts')")) }} as discount_ends_at,
    cast(json_extract_string(item, '$.quantity') as bigint) as quantity,
    nullif(json_extract_string(item, '$.metadata.crm_contract_line_id'), '') as crm_contract_line_id,
    {{ from_unix("json_extract_string(item, '$.created')") }} as created_at
from items
