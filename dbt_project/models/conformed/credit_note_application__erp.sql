select
    notes.erp_internal_id || '/' || invoices.erp_internal_id as source_id,
    'netsuite' as source_system,
    notes.credit_note_id,
    min(invoices.invoice_id) as invoice_id,
    notes.erp_internal_id,
    invoices.erp_internal_id as invoice_erp_internal_id,
    notes.legal_entity,
    notes.currency,
    {{ minor_units('sum(abs(links.amount))', 'min(currencies.minor_per_unit)') }} as applied_minor,
    notes.correlation_id
from {{ ref('stg_netsuite__transaction_links') }} as links
inner join {{ ref('credit_note__erp') }} as notes on links.next_transaction_id = notes.erp_internal_id
inner join {{ ref('invoice__erp') }} as invoices on links.previous_transaction_id = invoices.erp_internal_id
left join {{ ref('currencies') }} as currencies on notes.currency = currencies.currency
-- other links say where a credit comes from (the invoice or return it was made of), not what it settles
where links.link_type = 'payment'
group by
    notes.erp_internal_id,
    invoices.erp_internal_id,
    notes.credit_note_id,
    notes.legal_entity,
    notes.currency,
    notes.correlation_id
