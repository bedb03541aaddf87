-- Every item of every phase of every Stripe schedule is a canonical one with all its units.
{{ unequal_totals(
    "select prices.currency, items.quantity as amount from " ~ ref('stg_stripe__schedule_phase_items')
    ~ " as items left join " ~ ref('stg_stripe__prices') ~ " as prices on items.price_id = prices.price_id",
    "select currency, quantity as amount from " ~ ref('subscription_phases')
) }}
