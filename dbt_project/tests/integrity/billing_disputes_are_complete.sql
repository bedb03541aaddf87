-- Every Stripe dispute is a canonical dispute, to the minor unit.
{{ unequal_totals(
    "select currency, amount_minor as amount from " ~ ref('stg_stripe__disputes'),
    "select currency, amount_minor as amount from " ~ ref('disputes')
) }}
