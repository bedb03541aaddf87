select
    payout_id as source_id,
    'stripe' as source_system,
    payout_id,
    status,
    status = 'paid' as is_settled,
    is_automatic,
    -- from here on the vendor tells what the payout consists of
    is_automatic and reconciliation_status = 'completed' as is_reconciled,
    method,
    trace_id,
    balance_transaction_id,
    failure_code,
    original_payout_id,
    reversed_by_payout_id,
    created_at as sent_at,
    -- the day on which it is expected at the bank
    cast(arrival_at as date) as arrival_date,
    case when status = 'paid' then arrival_at end as arrived_at,
    currency,
    amount_minor,
    created_at,
    modified_at,
    {{ fingerprint(['status', 'currency', 'amount_minor']) }} as fingerprint
from {{ ref('stg_stripe__payouts') }}
