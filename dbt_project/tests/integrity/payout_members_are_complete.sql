-- Every entry of a payout is a canonical member, to the minor unit; the payout's own entry, which takes the sum out of
-- the balance, is left out.
{% set staged %}
    select entries.currency, coalesce(entries.net_minor, 0) as amount
    from {{ ref('stg_stripe__payout_members') }} as members
    inner join {{ ref('stg_stripe__payouts') }} as payouts on members.payout_id = payouts.payout_id
    left join {{ ref('stg_stripe__balance_transactions') }} as entries
        on members.balance_transaction_id = entries.balance_transaction_id
    where members.balance_transaction_id is distinct from payouts.balance_transaction_id
{% endset %}
{{ unequal_totals(staged, "select currency, net_minor as amount from " ~ ref('payout_members')) }}
