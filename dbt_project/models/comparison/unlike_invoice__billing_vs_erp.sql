-- Hashes alone are joined: they are a small part of what keys and attributes would take. What differs is kept in full, so
-- that nothing reads the rows of billing again.
select
    invoice_id,
    canonical_customer_id,
    customer_id,
    correlation_id,
    number,
    status,
    status_changed_at,
    issued_at,
    created_at,
    invoice_date,
    due_date,
    period,
    legal_entity,
    currency,
    subtotal_minor,
    tax_minor,
    total_minor,
    amount_due_minor,
    line_count
from {{ ref('invoice__billing') }}
where not {{ fingerprint(['invoice_id', 'fingerprint']) }} in (
    select {{ fingerprint(['invoice_id', 'fingerprint']) }}
    from {{ ref('invoice_copies') }}
    where copy_role = 'primary'
)
