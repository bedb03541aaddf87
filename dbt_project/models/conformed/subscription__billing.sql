with subscriptions as (
    select
        subscriptions.subscription_id,
        subscriptions.customer_id,
        subscriptions.crm_contract_id as contract_id,
        coalesce(subscriptions.channel, customers.channel) as channel,
        coalesce(subscriptions.legal_entity, customers.legal_entity) as legal_entity,
        coalesce(subscriptions.correlation_id, 'q2c_' || subscriptions.crm_opportunity_id) as correlation_id,
        subscriptions.currency,
        case
            when subscriptions.stripe_status in ('canceled', 'incomplete_expired') then 'cancelled'
            when subscriptions.stripe_status = 'trialing' then 'trial'
            -- while collection is paused nothing more is asked for, even where something was left unpaid before
            when subscriptions.stripe_status = 'paused' or subscriptions.is_collection_paused then 'paused'
            when subscriptions.stripe_status in ('past_due', 'unpaid', 'incomplete') then 'past_due'
            else 'active'
        end as status,
        -- not what was left in its trial, was never paid for, or is paused since its trial ended
        case
            when
                subscriptions.stripe_status not in ('trialing', 'paused', 'incomplete', 'incomplete_expired')
                and not coalesce(subscriptions.ended_at <= subscriptions.trial_ends_at, false)
                then greatest(subscriptions.started_at, subscriptions.trial_ends_at)
        end as activated_at,
        subscriptions.is_cancelled_at_period_end,
        subscriptions.started_at,
        subscriptions.trial_ends_at,
        subscriptions.canceled_at,
        subscriptions.ended_at,
        subscriptions.changed_at,
        subscriptions.created_at,
        subscriptions.modified_at,
        -- billing states no time for past_due: it began when the oldest invoice that is still open fell due
        overdue.overdue_at
    from {{ ref('stg_stripe__subscriptions') }} as subscriptions
    left join {{ ref('stg_stripe__customers') }} as customers on subscriptions.customer_id = customers.customer_id
    left join {{ ref('overdue_subscription__billing') }} as overdue
        on subscriptions.subscription_id = overdue.subscription_id
),

recurring as (
    select
        subscription_id,
        {{ whole_minor('sum(unit_mrr_minor * quantity)') }} as mrr_minor,
        -- items that are billed by different spans: the one that ends first
        min_by(period_start_at, period_end_at) as current_period_start_at,
        min(period_end_at) as current_period_end_at
    from {{ ref('subscription_item__billing') }}
    group by subscription_id
),

dated as (
    select
        *,
        case status
            when 'cancelled' then coalesce(ended_at, canceled_at, changed_at, created_at)
            when 'past_due' then coalesce(changed_at, overdue_at, created_at)
            when 'trial' then created_at
            else coalesce(changed_at, trial_ends_at, created_at)
        end as status_changed_at
    from subscriptions
)

select
    dated.subscription_id as source_id,
    'stripe' as source_system,
    dated.subscription_id,
    crosswalk.canonical_customer_id,
    dated.customer_id,
    dated.contract_id,
    dated.correlation_id,
    dated.channel,
    dated.legal_entity,
    dated.currency,
    dated.status,
    dated.status_changed_at,
    dated.is_cancelled_at_period_end,
    dated.started_at,
    dated.trial_ends_at,
    dated.activated_at,
    dated.ended_at,
    dated.canceled_at as cancel_requested_at,
    recurring.current_period_start_at,
    recurring.current_period_end_at,
    coalesce(recurring.mrr_minor, 0) as mrr_minor,
    dated.created_at,
    dated.modified_at,
    {{ fingerprint(['dated.subscription_id', 'dated.status']) }} as fingerprint
from dated
left join recurring on dated.subscription_id = recurring.subscription_id
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'stripe' and dated.customer_id = crosswalk.source_id
