-- Every application of an ERP payment to an ERP invoice is in the conformed table; links of other kinds are left out.
{% set staged %}
    select erp_currencies.currency, sum(links.amount) as amount
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('stg_netsuite__transactions') }} as payments
        on links.next_transaction_id = payments.transaction_id and payments.transaction_type = 'payment'
    inner join {{ ref('stg_netsuite__transactions') }} as invoices
        on links.previous_transaction_id = invoices.transaction_id and invoices.transaction_type = 'invoice'
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on payments.currency_id = erp_currencies.currency_id
    where links.link_type = 'payment'
    group by erp_currencies.currency, links.next_transaction_id, links.previous_transaction_id
{% endset %}
{% set accounted %}
    select applications.currency, {{ in_units('applications.applied_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('payment_application__erp') }} as applications
    left join {{ ref('currencies') }} as currencies on applications.currency = currencies.currency
{% endset %}
{{ unequal_totals(staged, accounted) }}
