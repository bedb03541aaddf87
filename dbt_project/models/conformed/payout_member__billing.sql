-- What a reconciled automatic payout consists of. The payout's own entry, which takes the sum out, is no member.
select
    members.payout_id || '/' || members.balance_transaction_id as source_id,
    'stripe' as source_system,
    members.payout_id,
    members.balance_transaction_id,
    case
        when entries.balance_transaction_type in ('charge', 'payment') then 'payment'
        when entries.balance_transaction_type in ('refund', 'payment_refund') then 'refund'
        when entries.reporting_category = 'dispute' then 'dispute'
        when entries.reporting_category = 'dispute_reversal' then 'dispute_reversal'
        when entries.balance_transaction_type = 'stripe_fee' then 'fee'
        when entries.balance_transaction_id is null then 'unknown'
        else 'other'
    end as source_kind,
    entries.source_id as member_source_id,
    entries.currency,
    coalesce(entries.amount_minor, 0) as gross_minor,
    coalesce(entries.fee_minor, 0) as fee_minor,
    coalesce(entries.net_minor, 0) as net_minor,
    entries.available_at,
    entries.created_at
from {{ ref('stg_stripe__payout_members') }} as members
left join {{ ref('stg_stripe__balance_transactions') }} as entries
    on members.balance_transaction_id = entries.balance_transaction_id
left join {{ ref('stg_stripe__payouts') }} as payouts on members.payout_id = payouts.payout_id
where members.balance_transaction_id is distinct from payouts.balance_transaction_id
