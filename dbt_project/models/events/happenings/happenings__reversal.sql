-- What takes money back: credit notes, refunds and disputes, from billing.
with charges as (
    select payment_id, canonical_customer_id, correlation_id, legal_entity
    from {{ ref('payment__billing') }}
)

select
    'credit_approved' as event_type,
    'stripe' as system,
    'credit_note' as object,
    notes.credit_note_id as source_id,
    '1' as occurrence,
    coalesce(notes.effective_at, notes.created_at) as occurred_at,
    'credit_note' as subject_kind,
    notes.credit_note_id as subject_id,
    invoices.canonical_customer_id,
    coalesce(notes.correlation_id, invoices.correlation_id) as correlation_id,
    coalesce(notes.legal_entity, invoices.legal_entity) as legal_entity,
    notes.currency,
    notes.total_minor as amount_minor,
    cast(null as varchar) as before_json,
    {{ json_of({
        'invoice_id': 'notes.invoice_id', 'number': 'notes.number', 'type': 'notes.credit_note_type',
        'reason': 'notes.reason', 'total_minor': 'notes.total_minor', 'tax_minor': 'notes.tax_minor',
    }) }} as after_json
from {{ ref('stg_stripe__credit_notes') }} as notes
left join {{ ref('invoice__billing') }} as invoices on notes.invoice_id = invoices.invoice_id

union all

select
    'refund_paid',
    'stripe',
    'refund',
    refunds.refund_id,
    '1',
    -- billing keeps no instant of the success; until it is paid out the last change is the best evidence
    refunds.created_at,
    'refund',
    refunds.refund_id,
    charges.canonical_customer_id,
    charges.correlation_id,
    charges.legal_entity,
    refunds.currency,
    refunds.amount_minor,
    cast(null as varchar),
    {{ json_of({
        'payment_id': 'refunds.charge_id', 'status': 'refunds.status', 'reason': 'refunds.reason',
        'amount_minor': 'refunds.amount_minor',
    }) }}
from {{ ref('stg_stripe__refunds') }} as refunds
left join charges on refunds.charge_id = charges.payment_id
where refunds.status = 'succeeded'

union all

select
    'dispute_opened',
    'stripe',
    'dispute',
    disputes.dispute_id,
    '1',
    disputes.created_at,
    'dispute',
    disputes.dispute_id,
    charges.canonical_customer_id,
    charges.correlation_id,
    charges.legal_entity,
    disputes.currency,
    disputes.amount_minor,
    cast(null as varchar),
    {{ json_of({
        'payment_id': 'disputes.charge_id', 'reason': 'disputes.reason', 'amount_minor': 'disputes.amount_minor',
    }) }}
from {{ ref('stg_stripe__disputes') }} as disputes
left join charges on disputes.charge_id = charges.payment_id

union all

select
    'dispute_closed',
    'stripe',
    'dispute',
    disputes.dispute_id,
    '1',
    disputes.modified_at,
    'dispute',
    disputes.dispute_id,
    charges.canonical_customer_id,
    charges.correlation_id,
    charges.legal_entity,
    disputes.currency,
    disputes.amount_minor,
    {{ json_of({'status': "'open'"}) }},
    {{ json_of({'status': 'disputes.status'}) }}
from {{ ref('stg_stripe__disputes') }} as disputes
left join charges on disputes.charge_id = charges.payment_id
where disputes.status in ('won', 'lost', 'warning_closed', 'prevented')
