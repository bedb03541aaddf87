-- What takes money back: credit notes, refunds and disputes. Those that only the ERP has come from there.
select
    'credit_approved' as event_type,
    case owner_role when 'billing' then 'stripe' else 'netsuite' end as system,
    case owner_role when 'billing' then 'credit_note' else 'transaction' end as object,
    coalesce(credit_note_id, erp_internal_id) as source_id,
    '1' as occurrence,
    issued_at as occurred_at,
    'credit_note' as subject_kind,
    credit_note_key as subject_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    total_minor as amount_minor,
    cast(null as varchar) as before_json,
    {{ json_of({
        'invoice': 'invoice_key', 'number': 'number', 'reason': 'reason', 'total_minor': 'total_minor',
        'tax_minor': 'tax_minor',
    }) }} as after_json
from {{ ref('credit_notes') }}

union all

select
    'refund_paid',
    case owner_role when 'billing' then 'stripe' else 'netsuite' end,
    case owner_role when 'billing' then 'refund' else 'transaction' end,
    coalesce(refund_id, erp_internal_id),
    '1',
    paid_at,
    'refund',
    refund_key,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor,
    cast(null as varchar),
    {{ json_of({
        'payment': 'payment_key', 'credit_note': 'credit_note_key', 'status': 'status', 'reason': 'reason',
        'amount_minor': 'amount_minor',
    }) }}
from {{ ref('refunds') }}
where is_settled

union all

select
    'dispute_opened',
    'stripe',
    'dispute',
    dispute_id,
    '1',
    opened_at,
    'dispute',
    dispute_key,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor,
    cast(null as varchar),
    {{ json_of({
        'payment': 'payment_key', 'invoice': 'invoice_key', 'reason': 'reason', 'amount_minor': 'amount_minor',
    }) }}
from {{ ref('disputes') }}

union all

select
    'dispute_closed',
    'stripe',
    'dispute',
    dispute_id,
    '1',
    closed_at,
    'dispute',
    dispute_key,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    amount_minor,
    {{ json_of({'status': "'open'"}) }},
    {{ json_of({'status': 'status', 'net_minor': 'net_minor'}) }}
from {{ ref('disputes') }}
where closed_at is not null
