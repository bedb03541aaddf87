-- A table: its JSON is read by several models. One row per item of a subscription, with the price that it is billed at.
{{ config(materialized='table') }}

{%- set item = {
    'id': 'VARCHAR',
    'price': {
        'id': 'VARCHAR',
        'product': 'VARCHAR',
        'currency': 'VARCHAR',
        'unit_amount': 'VARCHAR',
        'unit_amount_decimal': 'VARCHAR',
        'billing_scheme': 'VARCHAR',
        'tiers_mode': 'VARCHAR',
        'recurring': {'interval': 'VARCHAR', 'interval_count': 'VARCHAR', 'usage_type': 'VARCHAR', 'meter': 'VARCHAR'}
    },
    'quantity': 'VARCHAR',
    'current_period_start': 'VARCHAR',
    'current_period_end': 'VARCHAR',
    'discounts': [{'source': {'coupon': {'percent_off': 'VARCHAR'}}, 'end': 'VARCHAR'}],
    'metadata': {'crm_contract_line_id': 'VARCHAR'},
    'created': 'VARCHAR'
} %}

with items as (
    select
        id as subscription_id,
        unnest({{ json_shaped('items', [item]) }}) as item
    from {{ source('stripe', 'subscription') }}
)

select
    item.id as item_id,
    subscription_id,
    item.price.id as price_id,
    item.price.product as product_id,
    upper(item.price.currency) as currency,
    coalesce(
        cast(item.price.unit_amount_decimal as decimal(28, 12)), cast(item.price.unit_amount as decimal(28, 12))
    ) as unit_amount_minor,
    item.price.recurring."interval" as price_interval,
    coalesce(cast(item.price.recurring.interval_count as bigint), 1) as interval_count,
    coalesce(item.price.billing_scheme, 'per_unit') as billing_scheme,
    item.price.tiers_mode as tiers_mode,
    coalesce(item.price.recurring.usage_type, 'licensed') as usage_type,
    item.price.recurring.meter as meter_id,
    {{ from_unix('item.current_period_start') }} as period_start_at,
    {{ from_unix('item.current_period_end') }} as period_end_at,
    {{ stripe_discount_factor('item.discounts') }} as discount_factor,
    {{ from_unix(stripe_discount_end('item.discounts')) }} as discount_ends_at,
    cast(item.quantity as bigint) as quantity,
    nullif(item.metadata.crm_contract_line_id, '') as crm_contract_line_id,
    {{ from_unix('item.created') }} as created_at
from items
