-- What each contract says of its term and of how it is billed, beside what the subscription that executes it does.
with moved as (
    select contract_id, max(changed_at) as moved_at
    from {{ ref('contract_term_change__crm') }}
    group by contract_id
),

frequencies as (
    {{ billing_frequencies() }}
),

begun as (
    -- after a trial; of several subscriptions of one contract, one after another, the first
    select
        subscriptions.contract_id,
        min({{ local_date(
            'greatest(subscriptions.started_at, subscriptions.trial_ends_at)', 'legal_entities.time_zone'
        ) }}) as start_date
    from {{ ref('subscriptions') }} as subscriptions
    left join {{ ref('legal_entities') }} as legal_entities on subscriptions.legal_entity = legal_entities.legal_entity
    group by subscriptions.contract_id
),

planned as (
    -- where billing plans phases, the last of them ends
    select
        phases.subscription_id,
        max(phases.end_date) as end_date,
        bool_and(schedules.end_behavior = 'release') as goes_on
    from {{ ref('subscription_phases') }} as phases
    inner join {{ ref('stg_stripe__subscription_schedules') }} as schedules
        on phases.subscription_schedule_id = schedules.subscription_schedule_id
    where phases.schedule_status in ('active', 'not_started')
    group by phases.subscription_id
),

ending as (
    -- an end of its own, that no schedule plans
    select
        subscription_id,
        cancels_at
    from {{ ref('stg_stripe__subscriptions') }}
    where not is_cancelled_at_period_end and cancels_at is not null
),

terms as (
    select
        contracts.*,
        subscriptions.currency as billing_currency,
        subscriptions.legal_entity as billing_legal_entity,
        subscriptions.mrr_minor as billing_mrr_minor,
        subscriptions.modified_at as billing_modified_at,
        subscriptions.is_cancelled_at_period_end as has_notice,
        frequencies.billing_frequency as billing_billing_frequency,
        begun.start_date as billing_start_date,
        coalesce(
            planned.end_date, {{ days_after(local_date('ending.cancels_at', 'legal_entities.time_zone'), -1) }}
        ) as billing_end_date,
        -- without a plan a subscription goes on until notice is given
        coalesce(planned.goes_on, ending.cancels_at is null) as billing_is_auto_renewed,
        greatest(
            contracts.signed_at,
            {{ local_midnight('contracts.start_date', 'legal_entities.time_zone') }}
            - interval {{ var('billing_lead_days') }} day,
            moved.moved_at
        ) as agreed_at,
        {{ local_date(watermark('stripe', 'subscription'), 'legal_entities.time_zone') }} as as_of_date
    from {{ ref('contracts') }} as contracts
    inner join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
    left join moved on contracts.contract_id = moved.contract_id
    left join frequencies on contracts.subscription_id = frequencies.subscription_id
    left join begun on contracts.contract_id = begun.contract_id
    left join planned on contracts.subscription_id = planned.subscription_id
    left join ending on contracts.subscription_id = ending.subscription_id
    where subscriptions.status <> 'cancelled'
)

select
    'salesforce:' || contract_id as row_key,
    'contract' as entity,
    canonical_customer_id as canonical_id,
    correlation_id,
    contract_id as crm_id,
    subscription_id as billing_id,
    true as has_crm,
    true as has_billing,
    legal_entity,
    currency,
    cast(null as varchar) as period,
    recurring_mrr_minor as crm_amount_minor,
    billing_mrr_minor as billing_amount_minor,
    case
        when not is_won then 'not_won'
        when status <> 'activated' then 'not_active'
        when link_method = 'renewal' then 'other_contract'
    end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'billing_modified_at', 'salesforce', 'contract') }},
    {{ coverage('billing_coverage_seconds', 'agreed_at', 'stripe', 'subscription') }},
    agreed_at as event_at,
    currency as crm_currency,
    billing_currency,
    legal_entity as crm_legal_entity,
    billing_legal_entity,
    billing_frequency as crm_billing_frequency,
    billing_billing_frequency,
    -- a renewal begins while its subscription runs
    case when renews_contract_id is null then start_date end as crm_start_date,
    billing_start_date,
    {{ days_between('start_date', 'billing_start_date') }} as start_date_days,
    -- most subscriptions say no end
    case when billing_end_date is not null and not has_notice then end_date end as crm_end_date,
    billing_end_date,
    {{ days_between('billing_end_date', 'end_date') }} as end_date_days,
    coalesce(as_of_date > least(end_date, billing_end_date), false)
    and coalesce(as_of_date <= greatest(end_date, billing_end_date), false) as is_over_on_one_side,
    -- what is past its end is a question of its renewal
    case when not has_notice and end_date >= as_of_date then is_auto_renewed end as crm_is_auto_renewed,
    billing_is_auto_renewed,
    greatest({{ full_months('as_of_date', 'end_date') }} + 1, 0) as remaining_months
from terms
