-- Every application of an ERP credit memo to an ERP invoice is in the conformed table; links to refunds, and links that settle nothing, are left out.
{% set staged %}
    select erp_currencies.currency, sum(abs(links.amount)) as amount
    from {{ ref('stg_netsuite__transaction_links') }} as links
    inner join {{ ref('stg_netsuite__transactions') }} as notes
        on links.next_transaction_id = notes.transaction_id and notes.transaction_type = 'credit_note'
    inner join {{ ref('stg_netsuite__transactions') }} as invoices
        on links.previous_transaction_id = invoices.transaction_id and invoices.transaction_type = 'invoice'
    left join {{ ref('stg_netsuite__currencies') }} as erp_currencies on notes.currency_id = erp_currencies.currency_id
    where links.link_type = 'payment'
    group by erp_currencies.currency, links.next_transaction_id, links.previous_transaction_id
{% endset %}
{% set accounted %}
    select applications.currency, {{ in_units('applications.applied_minor', 'currencies.minor_per_unit') }} as amount
    from {{ ref('credit_note_application__erp') }} as applications
    left join {{ ref('currencies') }} as currencies on applications.currency = currencies.currency
{% endset %}
{{ unequal_totals(staged, accounted) }}
