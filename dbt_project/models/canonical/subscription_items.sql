select
    items.item_id,
    items.subscription_id,
    subscriptions.canonical_customer_id,
    subscriptions.contract_id,
    items.product_code,
    items.crm_contract_line_id as contract_line_id,
    items.price_id,
    items.pricing_model,
    items.discount_factor,
    items.span_months,
    items.quantity,
    items.unit_mrr_minor,
    items.currency,
    items.created_at
from {{ ref('subscription_item__billing') }} as items
left join {{ ref('subscriptions') }} as subscriptions on items.subscription_id = subscriptions.subscription_id
