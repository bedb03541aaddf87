-- Stripe's prices never change: a price holds from its creation until it is archived.
with prices as (
    select
        prices.*,
        products.product_code,
        -- weeks and days are brought to months by the calendar's average: 52 weeks or 365 days make 12 months
        cast(prices.unit_amount_minor as decimal(20, 12))
        * case prices.price_interval when 'week' then 52 when 'day' then 365 else 1 end as unit_span_minor,
        prices.interval_count * case prices.price_interval when 'month' then 1 else 12 end as span_months
    from {{ ref('stg_stripe__prices') }} as prices
    left join {{ ref('stg_stripe__products') }} as products on prices.product_id = products.product_id
)

select
    price_id as source_id,
    'stripe' as source_system,
    cast(1 as bigint) as version_number,
    true as is_current,
    product_code,
    currency,
    case when billing_scheme = 'tiered' then coalesce(tiers_mode, 'graduated') else 'per_unit' end as pricing_model,
    usage_type = 'metered' as is_metered,
    meter_id,
    price_interval,
    interval_count,
    unit_amount_minor,
    case when price_interval is not null then {{ exact_ratio('unit_span_minor', 'span_months') }} end
        as unit_month_minor,
    is_active,
    created_at as valid_from,
    case when not is_active then modified_at end as valid_to,
    modified_at
from prices
