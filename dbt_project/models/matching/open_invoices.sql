-- Nobody owes a duplicate or a voided copy.
select
    invoices.erp_internal_id as item_id,
    invoices.currency,
    invoices.amount_due_minor as amount_minor,
    invoices.invoice_date as item_date,
    invoices.canonical_customer_id as party,
    {{ list_of(['invoices.invoice_id']) }} as reference_keys,
    {{ list_of(['upper(invoices.number)']) }} as document_numbers,
    {{ list_of(['invoices.correlation_id']) }} as group_keys
from {{ ref('invoice__erp') }} as invoices
inner join {{ ref('invoice_copies') }} as copies on invoices.erp_internal_id = copies.erp_internal_id
where copies.copy_role not in ('duplicate', 'credited', 'voided') and invoices.amount_due_minor > 0
