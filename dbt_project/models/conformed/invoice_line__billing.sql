select
    lines.invoice_line_id as source_id,
    'stripe' as source_system,
    lines.invoice_line_id,
    lines.invoice_id,
    products.product_code,
    lines.quantity,
    {{ local_date('lines.service_start_at', 'legal_entities.time_zone') }} as service_start_date,
    -- a period ends at the instant at which the next one starts, whose first day is not this one's any more
    greatest(
        {{ local_date('lines.service_start_at', 'legal_entities.time_zone') }},
        {{ days_after(local_date('lines.service_end_at', 'legal_entities.time_zone'), -1) }}
    ) as service_end_date,
    lines.currency,
    lines.gross_minor - lines.discount_minor as amount_minor,
    lines.tax_minor,
    lines.subscription_item_id,
    lines.is_proration,
    case
        when lines.is_proration or prices.price_interval is null or prices.usage_type = 'metered' then null
        -- charged just as its item stands today: then it is worth as much a month, to the last decimal
        when
            items.price_id = lines.price_id
            and items.quantity = lines.quantity
            and lines.gross_minor = cast(round(cast(items.unit_amount_minor * items.quantity as decimal(38, 12)), 0) as bigint)
            and lines.discount_minor = {{ whole_minor('lines.gross_minor * (1 - cast(items.discount_factor as decimal(12, 10)))') }}
            then cast(standing.unit_mrr_minor * standing.quantity as decimal(38, 8))
        else {{ exact_ratio(
            "(lines.gross_minor - lines.discount_minor)"
            ~ " * case prices.price_interval when 'week' then 52 when 'day' then 365 else 1 end",
            "(prices.interval_count * case prices.price_interval when 'month' then 1 else 12 end)"
        ) }}
    end as monthly_minor,
    {{ fingerprint([
        'products.product_code', 'lines.quantity', 'lines.gross_minor', 'lines.discount_minor',
        'lines.service_start_at', 'lines.service_end_at',
    ]) }} as fingerprint
from {{ ref('stg_stripe__invoice_lines') }} as lines
left join {{ ref('stg_stripe__products') }} as products on lines.product_id = products.product_id
left join {{ ref('stg_stripe__prices') }} as prices on lines.price_id = prices.price_id
left join {{ ref('stg_stripe__subscription_items') }} as items on lines.subscription_item_id = items.item_id
left join {{ ref('subscription_item__billing') }} as standing on lines.subscription_item_id = standing.item_id
left join {{ ref('invoice__billing') }} as invoices on lines.invoice_id = invoices.invoice_id
left join {{ ref('legal_entities') }} as legal_entities on invoices.legal_entity = legal_entities.legal_entity
