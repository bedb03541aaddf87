-- Every ERP invoice is a canonical invoice of the ERP, or is left out by a stated rule: it copies a billing invoice,
-- doubles another, or is voided.
{% set staged %}
    select erp_currencies.currency, transactions.total as amount
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on transactions.currency_id = erp_currencies.currency_id
    where transactions.transaction_type = 'invoice'
{% endset %}
{% set accounted %}
    select invoices.currency, {{ in_units('invoices.total_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('invoices') }} as invoices
    left join {{ ref('currencies') }} as currencies on invoices.currency = currencies.currency
    where invoices.owner_role = 'erp'
    union all
    select erp.currency, {{ in_units('erp.total_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('invoice__erp') }} as erp
    inner join {{ ref('invoice_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    left join {{ ref('currencies') }} as currencies on erp.currency = currencies.currency
    where copies.copy_role in ('primary', 'duplicate', 'credited', 'voided')
{% endset %}
{{ unequal_totals(staged, accounted) }}
