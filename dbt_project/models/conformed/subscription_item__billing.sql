with items as (
    select
        items.item_id,
        items.subscription_id,
        products.product_code,
        items.crm_contract_line_id,
        items.quantity,
        items.currency,
        items.created_at,
        subscriptions.modified_at,
        -- weeks and days are brought to months by the calendar's average: 52 weeks or 365 days make 12 months
        cast(items.unit_amount_minor as decimal(20, 12)) * cast(items.discount_factor as decimal(12, 10))
        * case items.price_interval when 'week' then 52 when 'day' then 365 else 1 end as unit_span_minor,
        items.interval_count * case items.price_interval when 'month' then 1 else 12 end as span_months
    from {{ ref('stg_stripe__subscription_items') }} as items
    left join {{ ref('stg_stripe__products') }} as products on items.product_id = products.product_id
    left join {{ ref('stg_stripe__subscriptions') }} as subscriptions
        on items.subscription_id = subscriptions.subscription_id
),

monthly as (
    select
        *,
        {{ exact_ratio('unit_span_minor', 'span_months') }} as unit_mrr_minor
    from items
)

select
    item_id as source_id,
    'stripe' as source_system,
    item_id,
    subscription_id,
    product_code,
    crm_contract_line_id,
    quantity,
    currency,
    unit_mrr_minor,
    created_at,
    modified_at,
    {{ fingerprint([
        'subscription_id', 'product_code', 'quantity', 'unit_mrr_minor', 'currency',
    ]) }} as fingerprint
from monthly
