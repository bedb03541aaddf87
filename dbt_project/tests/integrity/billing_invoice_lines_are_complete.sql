-- Every line of every Stripe invoice is a canonical line, after its discounts, to the minor unit.
{{ unequal_totals(
    "select currency, gross_minor - discount_minor as amount from " ~ ref('stg_stripe__invoice_lines'),
    "select currency, amount_minor as amount from " ~ ref('invoice_lines') ~ " where line_key not like 'erp-%'"
) }}
