-- A table: its JSON is read by several models. One row per line of an invoice.
{{ config(materialized='table') }}

{%- set line = {
    'id': 'VARCHAR',
    'amount': 'VARCHAR',
    'quantity': 'VARCHAR',
    'description': 'VARCHAR',
    'period': {'start': 'VARCHAR', 'end': 'VARCHAR'},
    'pricing': {'price_details': {'product': 'VARCHAR', 'price': 'VARCHAR'}},
    'parent': {
        'subscription_item_details': {'subscription_item': 'VARCHAR', 'proration': 'VARCHAR'},
        'invoice_item_details': {'invoice_item': 'VARCHAR', 'proration': 'VARCHAR'}
    },
    'metadata': {'tieout_usage_product': 'VARCHAR'},
    'taxes': [{'amount': 'VARCHAR', 'tax_behavior': 'VARCHAR'}],
    'discount_amounts': [{'amount': 'VARCHAR'}]
} %}

with lines as (
    select
        id as invoice_id,
        upper(currency) as currency,
        unnest({{ json_shaped('lines', [line]) }}) as line
    from {{ source('stripe', 'invoice') }}
)

select
    line.id as invoice_line_id,
    invoice_id,
    -- what takes back use is an amount without a price: it names its product by our mark
    coalesce(line.metadata.tieout_usage_product, line.pricing.price_details.product) as product_id,
    line.pricing.price_details.price as price_id,
    line.parent.subscription_item_details.subscription_item as subscription_item_id,
    line.parent.invoice_item_details.invoice_item as invoice_item_id,
    -- what is charged or given back for a part of a period, because something changed in it
    coalesce(
        cast(line.parent.subscription_item_details.proration as boolean),
        cast(line.parent.invoice_item_details.proration as boolean),
        false
    ) as is_proration,
    line.description as description,
    cast(line.quantity as bigint) as quantity,
    {{ from_unix('line.period.start') }} as service_start_at,
    {{ from_unix('line.period."end"') }} as service_end_at,
    currency,
    cast(line.amount as bigint) - {{ stripe_tax_inside('line.taxes') }} as gross_minor,
    {{ sum_of('line.discount_amounts', 'amount') }} as discount_minor,
    {{ sum_of('line.taxes', 'amount') }} as tax_minor
from lines
