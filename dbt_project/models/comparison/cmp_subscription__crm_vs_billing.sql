with crm as (
    select
        *,
        row_number() over (partition by subscription_id order by created_at, source_id) as preference
    from {{ ref('subscription__crm') }}
),

paired as (
    select
        billing.subscription_id as billing_id,
        crm.source_id as crm_id,
        case
            -- the CRM's cancellation is carried out: the period that was paid for is its last
            when
                crm.status = 'cancelled'
                and billing.status <> 'cancelled'
                and billing.is_cancelled_at_period_end
                and billing.cancel_requested_at > crm.status_changed_at
                then 'ends_with_period'
            when crm.source_id is not null then null
            when billing.channel = 'self_serve' then 'self_serve'
            else 'not_in_crm'
        end as excluded_reason
    from {{ ref('subscriptions') }} as billing
    left join crm on billing.subscription_id = crm.subscription_id and crm.preference = 1
),

unpaired as (
    select
        cast(null as varchar) as billing_id,
        crm.source_id as crm_id,
        case when billing.subscription_id is null then 'not_in_billing' else 'duplicate_in_crm' end as excluded_reason
    from crm
    left join {{ ref('subscriptions') }} as billing on crm.subscription_id = billing.subscription_id
    where crm.source_id not in (select paired.crm_id from paired where paired.crm_id is not null)
),

rows_of_both as (
    select * from paired
    union all
    select * from unpaired
)

select
    coalesce('stripe:' || billing.subscription_id, 'salesforce:' || crm.source_id) as row_key,
    'subscription' as entity,
    coalesce(billing.canonical_customer_id, crm.canonical_customer_id) as canonical_id,
    billing.correlation_id,
    crm.source_id as crm_id,
    billing.subscription_id as billing_id,
    crm.source_id is not null as has_crm,
    billing.subscription_id is not null as has_billing,
    billing.legal_entity,
    billing.currency,
    cast(null as varchar) as period,
    cast(null as bigint) as crm_amount_minor,
    billing.mrr_minor as billing_amount_minor,
    rows_of_both.excluded_reason,
    {{ coverage('crm_coverage_seconds', 'billing.status_changed_at', 'salesforce', 'subscription') }},
    {{ coverage('billing_coverage_seconds', 'crm.status_changed_at', 'stripe', 'subscription') }},
    coalesce(billing.status_changed_at, crm.status_changed_at) as event_at,
    billing.channel,
    coalesce(billing.contract_id, crm.contract_id) as contract_id,
    crm.status as crm_status,
    billing.status as billing_status,
    crm.status_changed_at as crm_status_changed_at,
    billing.status_changed_at as billing_status_changed_at,
    billing.mrr_minor as live_mrr_minor
from rows_of_both
left join {{ ref('subscriptions') }} as billing on rows_of_both.billing_id = billing.subscription_id
left join crm on rows_of_both.crm_id = crm.source_id
