with contracts as (
    select
        contracts.*,
        -- billing need not know of a contract before it is signed, nor long before it starts
        greatest(
            contracts.signed_at,
            {{ local_midnight('contracts.start_date', 'legal_entities.time_zone') }}
            - interval {{ var('billing_lead_days') }} day
        ) as billable_at,
        {{ local_date(watermark('stripe', 'subscription'), 'legal_entities.time_zone') }} as as_of_date
    from {{ ref('contracts') }} as contracts
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
),

signed as (
    -- one that is over was signed all the same: whether it should have been renewed is another question
    select * from contracts
    where is_won and status <> 'draft'
),

planned as (
    -- what will begin by itself: there is no subscription yet
    select distinct schedules.crm_contract_id as contract_id
    from {{ ref('stg_stripe__subscription_schedules') }} as schedules
    inner join {{ ref('stg_stripe__schedule_phase_items') }} as items
        on schedules.subscription_schedule_id = items.subscription_schedule_id
    where
        schedules.status = 'not_started'
        and items.phase_number = 1
        and items.starts_at > {{ watermark('stripe', 'subscription_schedule') }}
),

papered as (
    select subscription_id from signed
    where subscription_id is not null
    union distinct
    -- of several subscriptions of one contract it links one
    select subscriptions.subscription_id
    from signed
    inner join {{ ref('subscriptions') }} as subscriptions on signed.contract_id = subscriptions.contract_id
),

unbilled as (
    -- families with a contract in force that no subscription executes: it may be the paper of one that names none
    select distinct coalesce(hierarchy.ultimate_parent_customer_id, contracts.canonical_customer_id) as family_id
    from signed as contracts
    left join {{ ref('customer_hierarchy') }} as hierarchy
        on contracts.canonical_customer_id = hierarchy.canonical_customer_id
    where
        contracts.subscription_id is null
        and contracts.status = 'activated'
        and contracts.recurring_mrr_minor > 0
        and contracts.as_of_date between contracts.start_date and contracts.end_date
),

asked as (
    -- sales was asked for the paper by an opportunity (a correction of CON-MISS-02), and has not said no, nor let
    -- the day pass by which it was asked
    select distinct substr(q2c_key, length('unpapered_') + 1) as subscription_id
    from {{ ref('stg_salesforce__opportunities') }}
    where
        q2c_key like 'unpapered\_%' escape '\'
        and not is_closed
        and close_date >= cast({{ watermark('stripe', 'subscription') }} as date)
),

unpapered as (
    select
        subscriptions.*,
        case
            when subscriptions.channel = 'self_serve' then 'self_serve'
            when subscriptions.status not in ('active', 'past_due') then 'not_live'
            when subscriptions.mrr_minor = 0 then 'no_recurring'
            when coalesce(hierarchy.ultimate_parent_customer_id, subscriptions.canonical_customer_id)
                in (select unbilled.family_id from unbilled) then 'contract_of_the_family'
            when subscriptions.subscription_id in (select asked.subscription_id from asked) then 'paper_asked_for'
        end as excluded_reason
    from {{ ref('subscriptions') }} as subscriptions
    left join {{ ref('customer_hierarchy') }} as hierarchy
        on subscriptions.canonical_customer_id = hierarchy.canonical_customer_id
    where subscriptions.subscription_id not in (select papered.subscription_id from papered)
)

select
    'salesforce:' || contracts.contract_id as row_key,
    'contract' as entity,
    contracts.canonical_customer_id as canonical_id,
    contracts.correlation_id,
    contracts.contract_id as crm_id,
    contracts.subscription_id as billing_id,
    true as has_crm,
    contracts.subscription_id is not null or planned.contract_id is not null as has_billing,
    contracts.legal_entity,
    contracts.currency,
    cast(null as varchar) as period,
    contracts.recurring_mrr_minor as crm_amount_minor,
    subscriptions.mrr_minor as billing_amount_minor,
    case
        when not contracts.is_won then 'not_won'
        when contracts.status <> 'activated' then 'not_active'
        when contracts.recurring_mrr_minor = 0 then 'no_recurring'
    end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'subscriptions.created_at', 'salesforce', 'contract') }},
    {{ coverage('billing_coverage_seconds', 'contracts.billable_at', 'stripe', 'subscription') }},
    contracts.signed_at as event_at,
    contracts.contract_number,
    contracts.status as contract_status,
    contracts.is_won,
    subscriptions.status as billing_status,
    contracts.link_method,
    contracts.start_date,
    contracts.end_date,
    contracts.signed_at,
    contracts.recurring_mrr_minor,
    greatest({{ full_months('contracts.start_date', 'contracts.as_of_date') }}, 0) as months_since_start
from contracts
left join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
left join planned on contracts.contract_id = planned.contract_id
union all
-- with what the CRM knows of the paper, where there is one that nobody signed
select
    'stripe:' || unpapered.subscription_id,
    'contract',
    unpapered.canonical_customer_id,
    unpapered.correlation_id,
    null,
    unpapered.subscription_id,
    false,
    true,
    unpapered.legal_entity,
    unpapered.currency,
    null,
    null,
    unpapered.mrr_minor,
    unpapered.excluded_reason,
    {{ coverage('crm_coverage_seconds', 'unpapered.created_at', 'salesforce', 'contract') }},
    null,
    unpapered.created_at,
    contracts.contract_number,
    contracts.status,
    contracts.is_won,
    unpapered.status,
    contracts.link_method,
    contracts.start_date,
    contracts.end_date,
    contracts.signed_at,
    null,
    null
from unpapered
left join contracts on unpapered.contract_id = contracts.contract_id
