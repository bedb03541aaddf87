with latest_payment as (
    select
        invoice_id,
        max(paid_at) as last_paid_at
    from {{ ref('stg_stripe__invoice_payments') }}
    where status = 'paid'
    group by invoice_id
),

invoices as (
    select
        invoices.invoice_id,
        invoices.number,
        invoices.customer_id,
        coalesce(invoices.legal_entity, customers.legal_entity) as legal_entity,
        invoices.currency,
        case
            when invoices.stripe_status = 'uncollectible' then 'written_off'
            when
                invoices.stripe_status = 'open'
                and invoices.amount_paid_minor > 0
                and invoices.amount_remaining_minor > 0
                then 'partially_paid'
            else invoices.stripe_status
        end as status,
        invoices.finalized_at,
        invoices.paid_at,
        invoices.voided_at,
        invoices.written_off_at,
        latest_payment.last_paid_at,
        invoices.due_at,
        invoices.total_minor - invoices.tax_minor as subtotal_minor,
        invoices.tax_minor,
        invoices.total_minor,
        -- a void invoice asks for nothing, whatever Stripe still shows as remaining
        case when invoices.stripe_status = 'void' then 0 else invoices.amount_remaining_minor end as amount_due_minor,
        invoices.line_count,
        invoices.subscription_id,
        invoices.correlation_id,
        invoices.created_at,
        invoices.modified_at
    from {{ ref('stg_stripe__invoices') }} as invoices
    left join {{ ref('stg_stripe__customers') }} as customers on invoices.customer_id = customers.customer_id
    left join latest_payment on invoices.invoice_id = latest_payment.invoice_id
),

dated as (
    select
        invoices.*,
        case invoices.status
            when 'paid' then coalesce(invoices.paid_at, invoices.last_paid_at, invoices.finalized_at)
            when 'partially_paid' then coalesce(invoices.last_paid_at, invoices.finalized_at)
            when 'void' then coalesce(invoices.voided_at, invoices.finalized_at)
            when 'written_off' then coalesce(invoices.written_off_at, invoices.finalized_at)
            else coalesce(invoices.finalized_at, invoices.created_at)
        end as status_changed_at,
        {{ local_date('invoices.finalized_at', 'legal_entities.time_zone') }} as invoice_date,
        {{ local_date('invoices.due_at', 'legal_entities.time_zone') }} as due_date
    from invoices
    left join {{ ref('legal_entities') }} as legal_entities on invoices.legal_entity = legal_entities.legal_entity
)

select
    dated.invoice_id as source_id,
    'stripe' as source_system,
    dated.invoice_id,
    cast(null as varchar) as erp_internal_id,
    dated.number,
    crosswalk.canonical_customer_id,
    dated.customer_id,
    dated.status,
    dated.status_changed_at,
    dated.finalized_at as issued_at,
    dated.invoice_date,
    dated.due_date,
    {{ accounting_period('dated.invoice_date') }} as period,
    dated.legal_entity,
    dated.currency,
    dated.subtotal_minor,
    dated.tax_minor,
    dated.total_minor,
    dated.amount_due_minor,
    dated.line_count,
    dated.subscription_id,
    dated.correlation_id,
    false as is_manual,
    dated.status = 'void' as is_voided,
    dated.created_at,
    dated.modified_at,
    {{ fingerprint([
        'dated.number', 'dated.status', 'dated.invoice_date', 'dated.due_date',
        accounting_period('dated.invoice_date'), 'dated.legal_entity', 'dated.currency', 'dated.subtotal_minor',
        'dated.tax_minor', 'dated.total_minor', 'dated.amount_due_minor',
    ]) }} as fingerprint
from dated
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'stripe' and dated.customer_id = crosswalk.source_id
