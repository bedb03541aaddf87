-- Every item of every Stripe subscription is a canonical one with all its units.
{{ unequal_totals(
    "select currency, quantity as amount from " ~ ref('stg_stripe__subscription_items'),
    "select currency, quantity as amount from " ~ ref('subscription_items')
) }}
