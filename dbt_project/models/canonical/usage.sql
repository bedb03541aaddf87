-- What was used by metered subscription items, day by day, and what became of it: on which invoice line it is billed.
-- A view: the last invoice of what ended is late by the hour of the reading, and nothing else of this changes with it.
{{ config(materialized='view') }}
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
    case
        when {{ seconds_between('last_invoice_awaited_at', watermark('stripe', 'usage')) }} >= 3600 * {{ var('usage_late_hours') }}
            then 'missed'
        else disposition
    end as disposition,
    invoice_id as invoice_key,
    invoice_line_id as line_key,
    correlation_id
from {{ ref('usage__billing') }}
