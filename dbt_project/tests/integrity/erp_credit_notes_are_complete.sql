-- Every ERP credit memo is a canonical credit note of the ERP, or is left out by a stated rule: it copies a billing one, doubles
-- another, or is voided.
{% set staged %}
    select erp_currencies.currency, abs(transactions.total) as amount
    from {{ ref('stg_netsuite__transactions') }} as transactions
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on transactions.currency_id = erp_currencies.currency_id
    where transactions.transaction_type = 'credit_note'
{% endset %}
{% set accounted %}
    select records.currency, {{ in_units('records.total_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('credit_notes') }} as records
    left join {{ ref('currencies') }} as currencies on records.currency = currencies.currency
    where records.owner_role = 'erp'
    union all
    select erp.currency, {{ in_units('erp.total_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('credit_note__erp') }} as erp
    inner join {{ ref('credit_note_copies') }} as copies on erp.erp_internal_id = copies.erp_internal_id
    left join {{ ref('currencies') }} as currencies on erp.currency = currencies.currency
    where copies.copy_role in ('primary', 'duplicate', 'of_copy', 'voided')
{% endset %}
{{ unequal_totals(staged, accounted) }}
