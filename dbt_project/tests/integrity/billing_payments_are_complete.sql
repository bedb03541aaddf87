-- Every Stripe charge is a canonical payment of billing, to the minor unit.
{{ unequal_totals(
    "select currency, amount_minor as amount from " ~ ref('stg_stripe__charges'),
    "select currency, amount_minor as amount from " ~ ref('payments') ~ " where owner_role = 'billing'"
) }}
