-- A note on an open invoice lowers what is due on it. What went to the customer's balance is taken up by the customer's
-- later invoices.
with applications as (
    select
        credit_note_id,
        invoice_id,
        'invoice' as method,
        legal_entity,
        currency,
        applied_to_invoice_minor as applied_minor,
        issued_at as applied_at,
        correlation_id
    from {{ ref('credit_note__billing') }}
    where applied_to_invoice_minor > 0

    union all
    select
        uses.credit_note_id,
        uses.invoice_id,
        'customer_balance' as method,
        notes.legal_entity,
        uses.currency,
        uses.used_minor as applied_minor,
        uses.used_at as applied_at,
        notes.correlation_id
    from {{ ref('balance_use__billing') }} as uses
    inner join {{ ref('credit_note__billing') }} as notes on uses.credit_note_id = notes.credit_note_id
)

select
    credit_note_id || '/' || invoice_id || '/' || method as source_id,
    'stripe' as source_system,
    credit_note_id,
    invoice_id,
    method,
    legal_entity,
    currency,
    applied_minor,
    applied_at,
    correlation_id
from applications
