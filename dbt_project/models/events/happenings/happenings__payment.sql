-- Money comes in, and is applied to invoices: by billing, or by the ERP where the bank collected it.
select
    'payment_received' as event_type,
    'stripe' as system,
    'charge' as object,
    payment_id as source_id,
    '1' as occurrence,
    paid_at as occurred_at,
    'payment' as subject_kind,
    payment_id as subject_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor,
    cast(null as varchar) as before_json,
    {{ json_of({'status': 'status', 'amount_minor': 'amount_minor'}) }} as after_json
from {{ ref('payment__billing') }}
where is_settled

union all

select
    'payment_received',
    'netsuite',
    'transaction',
    erp_internal_id,
    '1',
    paid_at,
    'payment',
    payment_key,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor,
    cast(null as varchar),
    {{ json_of({'status': 'status', 'amount_minor': 'amount_minor'}) }}
from {{ ref('payments') }}
where owner_role = 'erp' and is_settled

union all

select
    'payment_applied',
    'stripe',
    'invoice_payment',
    applied.invoice_payment_id,
    '1',
    applied.paid_at,
    'invoice',
    applied.invoice_id,
    invoices.canonical_customer_id,
    invoices.correlation_id,
    invoices.legal_entity,
    applied.currency,
    applied.amount_minor,
    cast(null as varchar),
    {{ json_of({
        'invoice_id': 'applied.invoice_id', 'payment_type': 'applied.payment_type', 'applied_minor': 'applied.amount_minor',
    }) }}
from {{ ref('stg_stripe__invoice_payments') }} as applied
left join {{ ref('invoice__billing') }} as invoices on applied.invoice_id = invoices.invoice_id
where applied.status = 'paid'
