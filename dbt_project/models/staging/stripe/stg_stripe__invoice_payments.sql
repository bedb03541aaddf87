select
    id as invoice_payment_id,
    invoice as invoice_id,
    coalesce(amount_paid, 0) as amount_minor,
    upper(currency) as currency,
    status,
    payment_type,
    payment_payment_intent as payment_intent_id,
    payment_charge as charge_id,
    payment_payment_record as payment_record_id,
    {{ from_unix('status_transitions_paid_at') }} as paid_at,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'invoice_payment') }}
