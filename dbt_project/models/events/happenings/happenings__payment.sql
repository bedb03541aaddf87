-- Money comes in, and is applied to invoices: by billing, or by the ERP where the bank collected it. An application that
-- grew is told again, with what came on top.
with told as (
    select
        source_id,
        count(*) as told_count,
        sum(amount_minor) as told_minor
    from {{ source('event_log', 'events') }}
    where event_type = 'payment_applied'
    group by source_id
),

applications as (
    select
        applied.*,
        coalesce(told.told_count, 0) as told_count,
        cast(coalesce(told.told_minor, 0) as bigint) as told_minor,
        -- the ERP keeps no time of an application: the payment's own where both appeared together, else when it last changed
        case
            when told.source_id is not null or received.event_id is not null then applied.modified_at
            else applied.applied_at
        end as told_at
    from {{ ref('payment_applications') }} as applied
    left join told on applied.application_key = told.source_id
    left join {{ source('event_log', 'events') }} as received
        on
            applied.owner_role = 'erp'
            and received.event_type = 'payment_received'
            and received.system = 'netsuite'
            and applied.payment_key = 'erp-' || received.source_id
)

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
    cast(applied.told_count + 1 as varchar),
    applied.told_at,
    'invoice',
    applied.invoice_key,
    invoices.canonical_customer_id,
    coalesce(applied.correlation_id, invoices.correlation_id),
    coalesce(applied.legal_entity, invoices.legal_entity),
    applied.currency,
    applied.applied_minor - applied.told_minor,
    case when applied.told_count > 0 then {{ json_of({'applied_minor': 'applied.told_minor'}) }} end,
    {{ json_of({
        'invoice': 'applied.invoice_key', 'payment': 'applied.payment_key', 'applied_minor': 'applied.applied_minor',
    }) }}
from applications as applied
left join {{ ref('invoices') }} as invoices on applied.invoice_key = invoices.invoice_key
where applied.applied_minor <> applied.told_minor
