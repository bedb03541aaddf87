-- Every ERP deposit is a canonical payout of the ERP, or is left out by a stated rule: it books a payout of billing, doubles
-- another deposit, is voided, or names no payout.
{% set staged %}
    select erp_currencies.currency, transactions.total as amount
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on transactions.currency_id = erp_currencies.currency_id
    where transactions.transaction_type = 'deposit'
{% endset %}
{% set accounted %}
    select records.currency, {{ in_units('records.net_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('payouts') }} as records
    left join {{ ref('currencies') }} as currencies on records.currency = currencies.currency
    where records.owner_role = 'erp'
    union all
    select erp.currency, {{ in_units('erp.net_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('deposit__erp') }} as erp
    inner join {{ ref('deposit_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    left join {{ ref('currencies') }} as currencies on erp.currency = currencies.currency
    where copies.copy_role in ('primary', 'duplicate', 'voided', 'manual')
{% endset %}
{{ unequal_totals(staged, accounted) }}
