-- Every invoice that took from its customer's balance has it all from credit notes and from elsewhere, and nothing twice.
{{ unequal_totals(
    "select currency, ending_balance_minor - starting_balance_minor as amount from " ~ ref('stg_stripe__invoices')
    ~ " where finalized_at is not null and ending_balance_minor > starting_balance_minor and stripe_status <> 'void'",
    "select currency, sum(used_minor) as amount from " ~ ref('balance_use__billing') ~ " group by currency, invoice_id"
) }}
