select
    id as payout_id,
    amount as amount_minor,
    upper(currency) as currency,
    status,
    automatic as is_automatic,
    method,
    reconciliation_status,
    trace_id_value as trace_id,
    balance_transaction as balance_transaction_id,
    failure_balance_transaction as failure_balance_transaction_id,
    failure_code,
    -- what an automatic payout paid out, once it is reconciled
    balance_transactions as balance_transaction_ids,
    original_payout as original_payout_id,
    reversed_by as reversed_by_payout_id,
    {{ from_unix('arrival_date') }} as arrival_at,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'payout') }}
