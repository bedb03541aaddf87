-- Every Stripe invoice is a canonical invoice of billing, to the minor unit.
{{ unequal_totals(
    "select currency, total_minor as amount from " ~ ref('stg_stripe__invoices'),
    "select currency, total_minor as amount from " ~ ref('invoices') ~ " where owner_role = 'billing'"
) }}
