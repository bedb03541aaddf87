with prices as (
    select
        prices.price_id as source_id,
        products.product_code,
        prices.currency,
        prices.unit_amount_minor as unit_amount_decimal,
        prices.price_interval,
        prices.interval_count,
        prices.is_active,
        prices.modified_at
    from {{ ref('stg_stripe__prices') }} as prices
    left join {{ ref('stg_stripe__products') }} as products on prices.product_id = products.product_id
)

select
    source_id,
    'stripe' as source_system,
    product_code,
    currency,
    unit_amount_decimal,
    price_interval,
    interval_count,
    is_active,
    modified_at,
    {{ fingerprint([
        'product_code', 'currency', 'unit_amount_decimal', 'price_interval', 'interval_count',
        'is_active',
    ]) }} as fingerprint
from prices
