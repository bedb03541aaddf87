-- A subscription comes into force, when it starts or when its trial ends, and it ends. Both are instants that billing keeps.
select
    'subscription_activated' as event_type,
    'stripe' as system,
    'subscription' as object,
    subscription_id as source_id,
    '1' as occurrence,
    activated_at as occurred_at,
    'subscription' as subject_kind,
    subscription_id as subject_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    mrr_minor as amount_minor,
    cast(null as varchar) as before_json,
    {{ json_of({'status': "'active'", 'mrr_minor': 'mrr_minor', 'channel': 'channel'}) }} as after_json
from {{ ref('subscriptions') }}
where activated_at is not null

union all

select
    'subscription_cancelled',
    'stripe',
    'subscription',
    subscription_id,
    '1',
    coalesce(ended_at, status_changed_at),
    'subscription',
    subscription_id,
    canonical_customer_id,
    correlation_id,
    legal_entity,
    currency,
    mrr_minor,
    {{ json_of({'status': "'active'"}) }},
    {{ json_of({'status': 'status'}) }}
from {{ ref('subscriptions') }}
where status = 'cancelled'
