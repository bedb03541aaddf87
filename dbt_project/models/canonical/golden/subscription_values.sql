{% set attributes = {
    'status': 'status',
    'contract_id': 'contract_id',
    'mrr': 'mrr_minor',
    'currency': 'currency',
    'legal_entity': 'legal_entity',
    'channel': 'channel',
    'started_at': 'started_at',
    'ended_at': 'ended_at',
    'is_cancelled_at_period_end': 'is_cancelled_at_period_end',
} %}
{{ config(materialized='view', meta={'entity': 'subscription', 'attributes': attributes}) }}

-- Billing's subscription, the CRM's copies of it, and what is computed.
with records as (
    select
        'billing' as role,
        source_system as system,
        source_id,
        subscription_id as canonical_id,
        true as is_signed,
        true as is_preferred,
        status <> 'cancelled' as is_active,
        modified_at,
        currency,
        status,
        contract_id,
        cast(null as bigint) as mrr_minor,
        legal_entity,
        channel,
        started_at,
        ended_at,
        is_cancelled_at_period_end
    from {{ ref('subscription__billing') }}
    union all
    select
        'crm' as role,
        copies.source_system as system,
        copies.source_id,
        subscriptions.subscription_id as canonical_id,
        true as is_signed,
        copies.source_id = subscriptions.crm_subscription_id as is_preferred,
        true as is_active,
        copies.modified_at,
        subscriptions.currency,
        copies.status,
        copies.contract_id,
        cast(null as bigint) as mrr_minor,
        cast(null as varchar) as legal_entity,
        cast(null as varchar) as channel,
        cast(null as timestamp) as started_at,
        cast(null as timestamp) as ended_at,
        cast(null as boolean) as is_cancelled_at_period_end
    from {{ ref('subscription__crm') }} as copies
    inner join {{ ref('subscriptions') }} as subscriptions on copies.subscription_id = subscriptions.subscription_id
    union all
    select
        'canonical' as role,
        'tieout' as system,
        subscription_id as source_id,
        subscription_id as canonical_id,
        true as is_signed,
        true as is_preferred,
        true as is_active,
        cast(null as timestamp) as modified_at,
        currency,
        cast(null as varchar) as status,
        contract_id,
        mrr_minor,
        cast(null as varchar) as legal_entity,
        cast(null as varchar) as channel,
        cast(null as timestamp) as started_at,
        cast(null as timestamp) as ended_at,
        cast(null as boolean) as is_cancelled_at_period_end
    from {{ ref('subscriptions') }}
),

{{ values_by_the_matrix('subscription', attributes) }}
