-- Every Stripe payout is a canonical payout of billing, to the minor unit.
{{ unequal_totals(
    "select currency, amount_minor as amount from " ~ ref('stg_stripe__payouts'),
    "select currency, net_minor as amount from " ~ ref('payouts') ~ " where owner_role = 'billing'"
) }}
