select
    payments.erp_internal_id || '/' || invoices.erp_internal_id as source_id,
    'netsuite' as source_system,
    payments.payment_id,
    min(invoices.invoice_id) as invoice_id,
    payments.erp_internal_id,
    invoices.erp_internal_id as invoice_erp_internal_id,
    payments.customer_id as payment_customer_id,
    min(invoices.customer_id) as invoice_customer_id,
    payments.legal_entity,
    payments.currency,
    {{ minor_units('sum(links.amount)', 'min(currencies.minor_per_unit)') }} as applied_minor,
    payments.paid_at as applied_at,
    payments.correlation_id,
    payments.modified_at
from {{ ref('stg_netsuite__transaction_links') }} as links
inner join {{ ref('payment__erp') }} as payments on links.next_transaction_id = payments.erp_internal_id
inner join {{ ref('invoice__erp') }} as invoices on links.previous_transaction_id = invoices.erp_internal_id
left join {{ ref('currencies') }} as currencies on payments.currency = currencies.currency
where links.link_type = 'payment'
group by
    payments.erp_internal_id,
    invoices.erp_internal_id,
    payments.payment_id,
    payments.customer_id,
    payments.legal_entity,
    payments.currency,
    payments.paid_at,
    payments.correlation_id,
    payments.modified_at
