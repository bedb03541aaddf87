-- List prices: the price book owns them; billing holds further prices for what single contracts negotiated.
with price_book as (
    select
        product_code,
        currency,
        price_interval,
        max(unit_amount_decimal) as list_unit_amount,
        count(*) as price_book_count
    from {{ ref('price__crm') }}
    where is_active and product_code is not null
    group by product_code, currency, price_interval
),

billing as (
    select
        product_code,
        currency,
        price_interval,
        count(*) as billing_price_count,
        min(unit_amount_decimal) as lowest_billing_amount,
        max(unit_amount_decimal) as highest_billing_amount
    from {{ ref('price__billing') }}
    where is_active and product_code is not null and price_interval is not null
    group by product_code, currency, price_interval
)

select
    coalesce(price_book.product_code, billing.product_code) as product_code,
    coalesce(price_book.currency, billing.currency) as currency,
    coalesce(price_book.price_interval, billing.price_interval) as price_interval,
    price_book.list_unit_amount,
    billing.lowest_billing_amount,
    billing.highest_billing_amount,
    coalesce(price_book.price_book_count, 0) as price_book_count,
    coalesce(billing.billing_price_count, 0) as billing_price_count
from price_book
full outer join billing
    on
        price_book.product_code = billing.product_code
        and price_book.currency = billing.currency
        and price_book.price_interval = billing.price_interval
