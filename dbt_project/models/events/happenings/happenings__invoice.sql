-- The life of an invoice by the instants that billing keeps of each transition.
with invoices as (
    select
        invoices.*,
        staged.paid_at,
        staged.voided_at,
        staged.written_off_at
    from {{ ref('invoice__billing') }} as invoices
    inner join {{ ref('stg_stripe__invoices') }} as staged on invoices.invoice_id = staged.invoice_id
),

transitions as (
    select
        'invoice_issued' as event_type, issued_at as occurred_at, 'draft' as status_before, 'open' as status_after, *
    from invoices
    union all
    select 'invoice_paid', paid_at, 'open', 'paid', * from invoices where status = 'paid'
    union all
    select 'invoice_voided', coalesce(voided_at, status_changed_at), 'open', 'void', * from invoices where status = 'void'
    union all
    select
        'invoice_written_off', coalesce(written_off_at, status_changed_at), 'open', 'written_off', *
    from invoices where status = 'written_off' or written_off_at is not null
)

select
    event_type,
    'stripe' as system,
    'invoice' as object,
    invoice_id as source_id,
    '1' as occurrence,
    occurred_at,
    'invoice' as subject_kind,
    invoice_id as subject_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    total_minor as amount_minor,
    {{ json_of({'status': 'status_before'}) }} as before_json,
    {{ json_of({
        'status': 'status_after', 'number': 'number', 'invoice_date': 'invoice_date', 'due_date': 'due_date',
        'subtotal_minor': 'subtotal_minor', 'tax_minor': 'tax_minor', 'total_minor': 'total_minor',
    }) }} as after_json
from transitions
