with notes as (
    select
        *,
        row_number() over (partition by refund_id order by amount_minor desc, credit_note_id) as preference
    from {{ ref('stg_stripe__credit_note_refunds') }}
),

credited as (
    -- the note behind a refund; of several the one that takes most of it, of equals always the same
    select
        refund_id,
        max(case when preference = 1 then credit_note_id end) as credit_note_id,
        sum(amount_minor) as credited_minor
    from notes
    group by refund_id
)

select
    refunds.refund_id as source_id,
    'stripe' as source_system,
    refunds.refund_id,
    refunds.charge_id as payment_id,
    credited.credit_note_id,
    payments.invoice_id,
    payments.canonical_customer_id,
    payments.customer_id,
    refunds.status,
    -- what is under way counts: the money has left the balance, and comes back only if the refund fails
    refunds.status in ('succeeded', 'pending') as is_settled,
    refunds.reason,
    case when refunds.status = 'succeeded' then refunds.created_at end as paid_at,
    {{ local_date('refunds.created_at', 'legal_entities.time_zone') }} as refund_date,
    {{ accounting_period(local_date('refunds.created_at', 'legal_entities.time_zone')) }} as period,
    payments.legal_entity,
    refunds.currency,
    refunds.amount_minor,
    cast(coalesce(credited.credited_minor, 0) as bigint) as credited_minor,
    refunds.balance_transaction_id,
    payments.correlation_id,
    refunds.created_at,
    refunds.modified_at,
    {{ fingerprint(['refunds.status', 'refunds.currency', 'refunds.amount_minor']) }} as fingerprint
from {{ ref('stg_stripe__refunds') }} as refunds
left join credited on refunds.refund_id = credited.refund_id
left join {{ ref('payment__billing') }} as payments on refunds.charge_id = payments.payment_id
left join {{ ref('legal_entities') }} as legal_entities on payments.legal_entity = legal_entities.legal_entity
