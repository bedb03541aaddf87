select
    id as refund_id,
    charge as charge_id,
    payment_intent as payment_intent_id,
    amount as amount_minor,
    upper(currency) as currency,
    status,
    reason,
    failure_reason,
    balance_transaction as balance_transaction_id,
    failure_balance_transaction as failure_balance_transaction_id,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'refund') }}
