-- What of a payment settles which invoice. Money that came beside Stripe (payment records) has no charge: the ERP's
-- payment stands for it. A charge that was not read (quarantined, or not yet there) is known by its payment intent.
with collected as (
    select
        payment_intent_id,
        max(charge_id) as charge_id
    from {{ ref('stg_stripe__charges') }}
    where payment_intent_id is not null and status <> 'failed'
    group by payment_intent_id
)

select
    payments.invoice_payment_id as source_id,
    'stripe' as source_system,
    coalesce(payments.charge_id, collected.charge_id, payments.payment_intent_id) as payment_id,
    payments.payment_record_id,
    payments.invoice_id,
    payments.payment_type,
    coalesce(invoices.legal_entity, customers.legal_entity) as legal_entity,
    payments.currency,
    payments.amount_minor as applied_minor,
    coalesce(payments.paid_at, payments.created_at) as applied_at,
    invoices.correlation_id,
    payments.modified_at
from {{ ref('stg_stripe__invoice_payments') }} as payments
left join collected on payments.payment_intent_id = collected.payment_intent_id
left join {{ ref('stg_stripe__invoices') }} as invoices on payments.invoice_id = invoices.invoice_id
left join {{ ref('stg_stripe__customers') }} as customers on invoices.customer_id = customers.customer_id
where payments.status = 'paid'
