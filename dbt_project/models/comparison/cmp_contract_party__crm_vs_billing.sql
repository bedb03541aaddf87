-- Who bought by a contract, beside who is billed for it, each with the family that stands above.
with families as (
    select canonical_customer_id, ultimate_parent_customer_id
    from {{ ref('customer_hierarchy') }}
),

owed as (
    select
        subscription_id,
        sum(amount_due_minor) as open_minor
    from {{ ref('invoice__billing') }}
    where status in ('open', 'partially_paid')
    group by subscription_id
),

parties as (
    select
        contracts.contract_id,
        contracts.correlation_id,
        contracts.legal_entity,
        contracts.currency,
        contracts.status,
        contracts.is_won,
        contracts.link_method,
        contracts.signed_at,
        contracts.account_id,
        contracts.canonical_customer_id as sold_to_customer_id,
        subscriptions.subscription_id,
        subscriptions.customer_id,
        subscriptions.canonical_customer_id as billed_customer_id,
        subscriptions.modified_at as billing_modified_at,
        coalesce(sellers.ultimate_parent_customer_id, contracts.canonical_customer_id) as sold_to_family_id,
        coalesce(payers.ultimate_parent_customer_id, subscriptions.canonical_customer_id) as billed_family_id,
        cast(coalesce(owed.open_minor, 0) as bigint) as open_minor
    from {{ ref('contracts') }} as contracts
    inner join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join families as sellers on contracts.canonical_customer_id = sellers.canonical_customer_id
    left join families as payers on subscriptions.canonical_customer_id = payers.canonical_customer_id
    left join owed on subscriptions.subscription_id = owed.subscription_id
)

select
    'salesforce:' || contract_id as row_key,
    'contract' as entity,
    sold_to_customer_id as canonical_id,
    correlation_id,
    contract_id as crm_id,
    subscription_id as billing_id,
    true as has_crm,
    true as has_billing,
    legal_entity,
    currency,
    cast(null as varchar) as period,
    cast(null as bigint) as crm_amount_minor,
    open_minor as billing_amount_minor,
    case
        when not is_won then 'not_won'
        when status = 'draft' then 'not_signed'
        when link_method = 'renewal' then 'other_contract'
        when sold_to_customer_id is null or billed_customer_id is null then 'customer_unknown'
    end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'billing_modified_at', 'salesforce', 'contract') }},
    {{ coverage('billing_coverage_seconds', 'signed_at', 'stripe', 'subscription') }},
    signed_at as event_at,
    account_id,
    customer_id,
    sold_to_customer_id,
    billed_customer_id,
    sold_to_family_id <> billed_family_id as is_other_family
from parties
