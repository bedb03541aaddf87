-- Every Stripe credit note is a canonical credit note of billing, to the minor unit.
{{ unequal_totals(
    "select currency, total_minor as amount from " ~ ref('stg_stripe__credit_notes'),
    "select currency, total_minor as amount from " ~ ref('credit_notes') ~ " where owner_role = 'billing'"
) }}
