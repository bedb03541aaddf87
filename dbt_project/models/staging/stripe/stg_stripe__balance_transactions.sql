select
    id as balance_transaction_id,
    source as source_id,
    type as balance_transaction_type,
    balance_type,
    reporting_category,
    amount as amount_minor,
    fee as fee_minor,
    net as net_minor,
    upper(currency) as currency,
    cast(exchange_rate as decimal(28, 14)) as exchange_rate,
    {{ from_unix('available_on') }} as available_at,
    {{ from_unix('created') }} as created_at
from {{ source('stripe', 'balance_transaction') }}
