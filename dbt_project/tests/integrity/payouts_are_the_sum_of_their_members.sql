-- What a reconciled automatic payout brought to the bank is what its members add up to, in its currency.
select
    payouts.payout_key,
    payouts.net_minor,
    sum(members.net_minor) as members_minor
from {{ ref('payouts') }} as payouts
left join {{ ref('payout_members') }} as members
    on payouts.payout_key = members.payout_key and payouts.currency = members.currency
where payouts.is_reconciled
group by payouts.payout_key, payouts.net_minor
having sum(members.net_minor) is distinct from payouts.net_minor
