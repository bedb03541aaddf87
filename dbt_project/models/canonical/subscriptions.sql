with crm_copies as (
    select
        source_id,
        subscription_id,
        row_number() over (partition by subscription_id order by created_at, source_id) as preference
    from {{ ref('subscription__crm') }}
    where subscription_id is not null
),

contract_of as (
    -- a contract that only lends its subscription to a renewal comes last
    select
        subscription_id,
        coalesce(min(case when link_method <> 'renewal' then contract_id end), min(contract_id)) as contract_id
    from {{ ref('contracts') }}
    where subscription_id is not null
    group by subscription_id
)

select
    subscriptions.subscription_id,
    crm_copies.source_id as crm_subscription_id,
    subscriptions.canonical_customer_id,
    subscriptions.customer_id,
    coalesce(contract_of.contract_id, subscriptions.contract_id) as contract_id,
    subscriptions.correlation_id,
    subscriptions.channel,
    subscriptions.legal_entity,
    subscriptions.currency,
    subscriptions.status,
    subscriptions.status_changed_at,
    subscriptions.is_cancelled_at_period_end,
    subscriptions.started_at,
    subscriptions.trial_ends_at,
    subscriptions.activated_at,
    subscriptions.ended_at,
    subscriptions.cancel_requested_at,
    subscriptions.current_period_start_at,
    subscriptions.current_period_end_at,
    subscriptions.mrr_minor,
    subscriptions.created_at,
    subscriptions.modified_at
from {{ ref('subscription__billing') }} as subscriptions
left join crm_copies on subscriptions.subscription_id = crm_copies.subscription_id and crm_copies.preference = 1
left join contract_of on subscriptions.subscription_id = contract_of.subscription_id
