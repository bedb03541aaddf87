-- What was used by metered subscription items, day by day, and what became of it: on which invoice line it is billed.
select
    source_id as usage_key,
    usage_id,
    meter_id,
    event_name,
    aggregation,
    item_id,
    subscription_id,
    canonical_customer_id,
    product_code,
    price_id,
    legal_entity,
    currency,
    usage_date,
    used_from_at,
    used_until_at,
    quantity,
    disposition,
    invoice_id as invoice_key,
    invoice_line_id as line_key,
    correlation_id
from {{ ref('usage__billing') }}
