with prices as (
    select
        entries.pricebook_entry_id as source_id,
        products.product_code,
        entries.currency,
        cast(
            cast(entries.unit_price as decimal(20, 6)) * currencies.minor_per_unit as decimal(28, 12)
        ) as unit_amount_decimal,
        -- the price book lists prices per unit and month
        'month' as price_interval,
        cast(1 as bigint) as interval_count,
        entries.is_active,
        entries.modified_at
    from {{ ref('stg_salesforce__pricebook_entries') }} as entries
    left join {{ ref('stg_salesforce__products') }} as products on entries.product_id = products.product_id
    left join {{ ref('currencies') }} as currencies on entries.currency = currencies.currency
)

select
    source_id,
    'salesforce' as source_system,
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
