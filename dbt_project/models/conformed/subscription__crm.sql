select
    subscriptions.crm_subscription_id as source_id,
    'salesforce' as source_system,
    subscriptions.stripe_subscription_id as subscription_id,
    crosswalk.canonical_customer_id,
    subscriptions.contract_id,
    subscriptions.account_id,
    subscriptions.status,
    coalesce(subscriptions.status_changed_at, subscriptions.modified_at) as status_changed_at,
    subscriptions.created_at,
    subscriptions.modified_at,
    {{ fingerprint(['subscriptions.stripe_subscription_id', 'subscriptions.status']) }} as fingerprint
from {{ ref('stg_salesforce__subscriptions') }} as subscriptions
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'salesforce' and subscriptions.account_id = crosswalk.source_id
