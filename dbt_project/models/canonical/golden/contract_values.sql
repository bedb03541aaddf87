{% set attributes = {
    'currency': 'currency',
    'legal_entity': 'legal_entity',
    'status': 'status',
    'is_won': 'is_won',
    'recurring_mrr': 'recurring_mrr_minor',
    'start_date': 'start_date',
    'end_date': 'end_date',
    'billing_frequency': 'billing_frequency',
} %}
{{ config(materialized='view', meta={'entity': 'contract', 'attributes': attributes}) }}

-- The CRM's contract, and the subscription that executes it.
with frequencies as (
    {{ billing_frequencies() }}
),

records as (
    select
        'crm' as role,
        'salesforce' as system,
        contract_id as source_id,
        contract_id as canonical_id,
        status <> 'draft' and signed_at is not null as is_signed,
        true as is_preferred,
        status = 'activated' as is_active,
        modified_at,
        currency,
        legal_entity,
        status,
        is_won,
        recurring_mrr_minor,
        start_date,
        end_date,
        billing_frequency
    from {{ ref('contracts') }}
    union all
    select
        'billing' as role,
        'stripe' as system,
        subscriptions.subscription_id as source_id,
        contracts.contract_id as canonical_id,
        false as is_signed,
        true as is_preferred,
        subscriptions.status <> 'cancelled' as is_active,
        subscriptions.modified_at,
        subscriptions.currency,
        subscriptions.legal_entity,
        cast(null as varchar) as status,
        cast(null as boolean) as is_won,
        subscriptions.mrr_minor as recurring_mrr_minor,
        {{ local_date('subscriptions.started_at', 'legal_entities.time_zone') }} as start_date,
        cast(null as date) as end_date,
        frequencies.billing_frequency
    from {{ ref('contracts') }} as contracts
    inner join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join frequencies on contracts.subscription_id = frequencies.subscription_id
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
),

{{ values_by_the_matrix('contract', attributes) }}
