-- Every contract line is a canonical one with all its units.
{{ unequal_totals(
    "select currency, quantity as amount from " ~ ref('stg_salesforce__contract_lines'),
    "select currency, quantity as amount from " ~ ref('contract_lines')
) }}
