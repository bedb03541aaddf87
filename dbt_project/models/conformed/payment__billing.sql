with settled as (
    select
        payment_intent_id,
        max(invoice_id) as invoice_id,
        min(paid_at) as paid_at
    from {{ ref('stg_stripe__invoice_payments') }}
    where payment_intent_id is not null
    group by payment_intent_id
),

booked as (
    -- what the provider kept of it, in the currency that it pays out, and at which rate it converted
    select
        source_id as charge_id,
        max(fee_minor) as fee_minor,
        max(currency) as settlement_currency,
        max(exchange_rate) as conversion_rate
    from {{ ref('stg_stripe__balance_transactions') }}
    where balance_transaction_type in ('charge', 'payment') and source_id is not null
    group by source_id
)

select
    charges.charge_id as source_id,
    'stripe' as source_system,
    charges.charge_id as payment_id,
    crosswalk.canonical_customer_id,
    charges.customer_id,
    settled.invoice_id,
    charges.status,
    charges.status = 'succeeded' as is_settled,
    -- a bank debit is created days before it succeeds; the invoice's payment says when it did
    case when charges.status = 'succeeded' then coalesce(settled.paid_at, charges.created_at) end as paid_at,
    coalesce(invoices.legal_entity, customers.legal_entity) as legal_entity,
    charges.currency,
    charges.amount_minor,
    charges.refunded_minor,
    booked.fee_minor,
    booked.settlement_currency,
    booked.conversion_rate,
    invoices.correlation_id,
    charges.created_at,
    charges.modified_at,
    {{ fingerprint([
        'charges.status', 'coalesce(invoices.legal_entity, customers.legal_entity)', 'charges.currency',
        'charges.amount_minor',
    ]) }} as fingerprint
from {{ ref('stg_stripe__charges') }} as charges
left join booked on charges.charge_id = booked.charge_id
left join settled on charges.payment_intent_id = settled.payment_intent_id
left join {{ ref('stg_stripe__invoices') }} as invoices on settled.invoice_id = invoices.invoice_id
left join {{ ref('stg_stripe__customers') }} as customers on charges.customer_id = customers.customer_id
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'stripe' and charges.customer_id = crosswalk.source_id
