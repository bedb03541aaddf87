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
    case applied.owner_role when 'billing' then 'stripe' else 'netsuite' end,
    case applied.owner_role when 'billing' then 'invoice_payment' else 'transaction_link' end,
    applied.application_key,
    '1',
    applied.applied_at,
    'invoice',
    applied.invoice_key,
    invoices.canonical_customer_id,
    coalesce(applied.correlation_id, invoices.correlation_id),
    coalesce(applied.legal_entity, invoices.legal_entity),
    applied.currency,
    applied.applied_minor,
    cast(null as varchar),
    {{ json_of({
        'invoice': 'applied.invoice_key', 'payment': 'applied.payment_key', 'applied_minor': 'applied.applied_minor',
    }) }}
from {{ ref('payment_applications') }} as applied
left join {{ ref('invoices') }} as invoices on applied.invoice_key = invoices.invoice_key
