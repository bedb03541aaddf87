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
)

select
    'salesforce:' || contracts.contract_id as row_key,
    'contract' as entity,
    contracts.canonical_customer_id as canonical_id,
    contracts.correlation_id,
    contracts.contract_id as crm_id,
    contracts.subscription_id as billing_id,
    true as has_crm,
    contracts.subscription_id is not null as has_billing,
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
    {{ seconds_between('subscriptions.created_at', watermark('salesforce', 'contract')) }} as crm_coverage_seconds,
    {{ seconds_between('contracts.billable_at', watermark('stripe', 'subscription')) }} as billing_coverage_seconds,
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
