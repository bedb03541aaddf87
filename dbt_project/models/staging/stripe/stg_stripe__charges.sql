select
    id as charge_id,
    amount as amount_minor,
    coalesce(amount_refunded, 0) as refunded_minor,
    upper(currency) as currency,
    customer as customer_id,
    status,
    coalesce(disputed, false) as is_disputed,
    payment_intent as payment_intent_id,
    {{ from_unix('created') }} as created_at,
    coalesce({{ from_iso('_changed_at') }}, {{ from_unix('created') }}) as modified_at
from {{ source('stripe', 'charge') }}
