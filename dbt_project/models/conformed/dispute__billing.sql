with moved as (
    -- what the dispute took from the balance, what it cost, and what came back
    select
        source_id as dispute_id,
        -sum(amount_minor) filter (where amount_minor < 0) as withdrawn_minor,
        sum(fee_minor) as fee_minor,
        sum(amount_minor) filter (where amount_minor > 0) as reinstated_minor,
        sum(net_minor) as net_minor,
        max(created_at) filter (where amount_minor > 0) as reinstated_at
    from {{ ref('stg_stripe__balance_transactions') }}
    where balance_transaction_type = 'adjustment'
    group by source_id
),

disputes as (
    select
        disputes.*,
        case
            when disputes.status in ('won', 'lost') then disputes.status
            when disputes.status in ('warning_closed', 'prevented') then 'withdrawn'
            when disputes.status like 'warning\_%' escape '\' then 'inquiry'
            else 'open'
        end as stage,
        moved.withdrawn_minor,
        moved.fee_minor,
        moved.reinstated_minor,
        moved.net_minor,
        moved.reinstated_at
    from {{ ref('stg_stripe__disputes') }} as disputes
    left join moved on disputes.dispute_id = moved.dispute_id
)

select
    disputes.dispute_id as source_id,
    'stripe' as source_system,
    disputes.dispute_id,
    disputes.charge_id as payment_id,
    payments.invoice_id,
    payments.canonical_customer_id,
    payments.customer_id,
    disputes.stage as status,
    disputes.status as stripe_status,
    disputes.reason,
    disputes.created_at as opened_at,
    -- Stripe keeps no time of the end: money that came back tells it, else the last change that was heard of
    case
        when disputes.stage in ('won', 'lost', 'withdrawn') then coalesce(disputes.reinstated_at, disputes.modified_at)
    end as closed_at,
    disputes.evidence_due_at,
    payments.legal_entity,
    disputes.currency,
    disputes.amount_minor,
    cast(coalesce(disputes.withdrawn_minor, 0) as bigint) as withdrawn_minor,
    cast(coalesce(disputes.fee_minor, 0) as bigint) as fee_minor,
    cast(coalesce(disputes.reinstated_minor, 0) as bigint) as reinstated_minor,
    cast(coalesce(disputes.net_minor, 0) as bigint) as net_minor,
    payments.correlation_id,
    disputes.created_at,
    disputes.modified_at,
    {{ fingerprint([
        'disputes.status', 'disputes.currency', 'disputes.amount_minor', 'disputes.net_minor',
    ]) }} as fingerprint
from disputes
left join {{ ref('payment__billing') }} as payments on disputes.charge_id = payments.payment_id
