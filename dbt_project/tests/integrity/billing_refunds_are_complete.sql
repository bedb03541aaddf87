-- Every Stripe refund is a canonical refund of billing, to the minor unit.
{{ unequal_totals(
    "select currency, amount_minor as amount from " ~ ref('stg_stripe__refunds'),
    "select currency, amount_minor as amount from " ~ ref('refunds') ~ " where owner_role = 'billing'"
) }}
