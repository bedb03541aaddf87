with tiered as (
    select
        items.item_id,
        sum({{ tier_amount(
            'items.quantity', 'tiers.tiers_mode', 'tiers.lower_bound', 'tiers.up_to', 'tiers.unit_amount_minor',
            'tiers.flat_amount_minor'
        ) }}) as span_minor
    from {{ ref('stg_stripe__subscription_items') }} as items
    inner join {{ ref('price_tier__billing') }} as tiers on items.price_id = tiers.price_id
    where items.billing_scheme = 'tiered'
    group by items.item_id
),

items as (
    select
        items.item_id,
        items.subscription_id,
        products.product_code,
        items.crm_contract_line_id,
        items.price_id,
        case
            when items.usage_type = 'metered' then 'metered'
            when items.billing_scheme = 'tiered' then coalesce(items.tiers_mode, 'graduated')
            else 'per_unit'
        end as pricing_model,
        items.discount_factor,
        items.quantity,
        items.currency,
        items.period_start_at,
        items.period_end_at,
        items.created_at,
        subscriptions.modified_at,
        cast(tiered.span_minor as decimal(28, 12)) * cast(items.discount_factor as decimal(10, 8))
        * case items.price_interval when 'week' then 52 when 'day' then 365 else 1 end as tiered_span_minor,
        -- weeks and days are brought to months by the calendar's average: 52 weeks or 365 days make 12 months
        cast(items.unit_amount_minor as decimal(20, 12)) * cast(items.discount_factor as decimal(12, 10))
        * case items.price_interval when 'week' then 52 when 'day' then 365 else 1 end as unit_span_minor,
        items.interval_count * case items.price_interval when 'month' then 1 else 12 end as span_months
    from {{ ref('stg_stripe__subscription_items') }} as items
    left join {{ ref('stg_stripe__products') }} as products on items.product_id = products.product_id
    left join {{ ref('stg_stripe__subscriptions') }} as subscriptions
        on items.subscription_id = subscriptions.subscription_id
    left join tiered on items.item_id = tiered.item_id
),

monthly as (
    select
        *,
        -- by tiers the price of a unit is the average over all units; usage is not recurring
        case pricing_model
            when 'metered' then cast(0 as decimal(38, 8))
            when 'per_unit' then {{ exact_ratio('unit_span_minor', 'span_months') }}
            else {{ exact_ratio('tiered_span_minor', 'span_months * quantity') }}
        end as unit_mrr_minor
    from items
)

select
    item_id as source_id,
    'stripe' as source_system,
    item_id,
    subscription_id,
    product_code,
    crm_contract_line_id,
    price_id,
    pricing_model,
    cast(discount_factor as decimal(18, 12)) as discount_factor,
    cast(span_months as bigint) as span_months,
    quantity,
    currency,
    unit_mrr_minor,
    period_start_at,
    period_end_at,
    created_at,
    modified_at,
    {{ fingerprint([
        'subscription_id', 'product_code', 'quantity', 'unit_mrr_minor', 'currency',
    ]) }} as fingerprint
from monthly
