-- Every ERP payment is a canonical payment of the ERP, or is left out by a stated rule: it records a charge,
-- doubles another, or is voided.
{% set staged %}
    select erp_currencies.currency, transactions.total as amount
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on transactions.currency_id = erp_currencies.currency_id
    where transactions.transaction_type = 'payment'
{% endset %}
{% set accounted %}
    select payments.currency, {{ in_units('payments.amount_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('payments') }} as payments
    left join {{ ref('currencies') }} as currencies on payments.currency = currencies.currency
    where payments.owner_role = 'erp'
    union all
    select erp.currency, {{ in_units('erp.amount_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('payment__erp') }} as erp
    inner join {{ ref('payment_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    left join {{ ref('currencies') }} as currencies on erp.currency = currencies.currency
    where copies.copy_role in ('primary', 'duplicate', 'voided')
{% endset %}
{{ unequal_totals(staged, accounted) }}
