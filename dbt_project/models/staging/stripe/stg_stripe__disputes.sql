select
    id as dispute_id,
    charge as charge_id,
    payment_intent as payment_intent_id,
    amount as amount_minor,
    upper(currency) as currency,
    status,
    reason,
    is_charge_refundable,
    {{ from_unix('evidence_details_due_by') }} as evidence_due_at,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'dispute') }}
