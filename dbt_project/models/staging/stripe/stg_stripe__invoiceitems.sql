select
    id as invoice_item_id,
    customer as customer_id,
    parent_subscription_details_subscription as subscription_id,
    pricing_price_details_product as product_id,
    amount as amount_minor,
    upper(currency) as currency,
    nullif(metadata_tieout_usage_line, '') as usage_line_id,
    try_cast(metadata_tieout_usage_units as bigint) as usage_units,
    nullif(metadata_q2c_correlation_id, '') as correlation_id,
    {{ from_unix('date') }} as created_at
from {{ source('stripe', 'invoiceitem') }}
