with refunded as (
    select
        credit_note_id,
        sum(amount_minor) as refunded_minor
    from {{ ref('stg_stripe__credit_note_refunds') }}
    group by credit_note_id
),

notes as (
    select
        notes.*,
        notes.stripe_status = 'void' as is_voided,
        coalesce(notes.effective_at, notes.created_at) as issued_at,
        coalesce(refunded.refunded_minor, 0) as note_refunded_minor,
        coalesce(notes.legal_entity, invoices.legal_entity, customers.legal_entity) as entity,
        coalesce(notes.correlation_id, invoices.correlation_id) as thread_id
    from {{ ref('stg_stripe__credit_notes') }} as notes
    left join refunded on notes.credit_note_id = refunded.credit_note_id
    left join {{ ref('stg_stripe__invoices') }} as invoices on notes.invoice_id = invoices.invoice_id
    left join {{ ref('stg_stripe__customers') }} as customers on notes.customer_id = customers.customer_id
),

settled as (
    -- a void note settles nothing; what of a paid invoice's note was neither refunded nor settled out of band went to
    -- the customer's balance
    select
        notes.*,
        {{ local_date('notes.issued_at', 'legal_entities.time_zone') }} as credit_date,
        case when is_voided then 0 else pre_payment_minor end as applied_to_invoice_minor,
        case when is_voided then 0 else note_refunded_minor end as refunded_minor,
        case when is_voided then 0 else out_of_band_minor end as settled_out_of_band_minor,
        case
            when is_voided then 0 else greatest(post_payment_minor - note_refunded_minor - out_of_band_minor, 0)
        end as balance_minor
    from notes
    left join {{ ref('legal_entities') }} as legal_entities on notes.entity = legal_entities.legal_entity
)

select
    settled.credit_note_id as source_id,
    'stripe' as source_system,
    settled.credit_note_id,
    settled.number,
    crosswalk.canonical_customer_id,
    settled.customer_id,
    settled.invoice_id,
    settled.stripe_status as status,
    settled.is_voided,
    settled.reason,
    settled.issued_at,
    settled.voided_at,
    settled.credit_date,
    {{ accounting_period('settled.credit_date') }} as period,
    settled.entity as legal_entity,
    settled.currency,
    settled.total_minor - settled.tax_minor as subtotal_minor,
    settled.tax_minor,
    settled.total_minor,
    cast(settled.applied_to_invoice_minor as bigint) as applied_to_invoice_minor,
    cast(settled.refunded_minor as bigint) as refunded_minor,
    cast(settled.settled_out_of_band_minor as bigint) as out_of_band_minor,
    cast(settled.balance_minor as bigint) as balance_minor,
    settled.thread_id as correlation_id,
    settled.created_at,
    settled.modified_at,
    {{ fingerprint([
        'settled.stripe_status', 'settled.entity', 'settled.currency', 'settled.tax_minor', 'settled.total_minor',
    ]) }} as fingerprint
from settled
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'stripe' and settled.customer_id = crosswalk.source_id
