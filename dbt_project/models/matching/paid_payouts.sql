with members as (
    select
        payout_key,
        {{ list_gathered('balance_transaction_id') }} as balance_transaction_ids
    from {{ ref('payout_members') }}
    group by payout_key
)

select
    payouts.payout_id as item_id,
    payouts.currency,
    payouts.net_minor as amount_minor,
    payouts.arrival_date as item_date,
    -- whose money it is that comes; a bank or the ERP knows no more of it
    'stripe' as party,
    -- either the payout itself is named, or what it consists of
    {{ list_of(['payouts.payout_id', 'payouts.trace_id']) }} || coalesce(members.balance_transaction_ids, {{ list_of([]) }})
        as reference_keys,
    {{ list_of([]) }} as document_numbers,
    {{ list_of(['cast(payouts.arrival_date as varchar)']) }} as group_keys
from {{ ref('payouts') }} as payouts
left join members on payouts.payout_key = members.payout_key
where payouts.owner_role = 'billing' and payouts.is_settled
