-- Lines that end with their contract (co-termed), and the subscriptions whose items bill them.
-- as_of_date is worked out when it is read: what holds it is made anew with each reading.
-- depends_on: {{ ref('stg_control__snapshots') }}
with apart as (
    -- the first subscription beside the one that executes the contract
    select
        items.contract_line_id,
        min_by(subscriptions.subscription_id, subscriptions.started_at) as subscription_id,
        min_by(subscriptions.current_period_end_at, subscriptions.started_at) as period_end_at
    from {{ ref('subscription_items') }} as items
    inner join {{ ref('subscriptions') }} as subscriptions on items.subscription_id = subscriptions.subscription_id
    inner join {{ ref('contract_lines') }} as lines on items.contract_line_id = lines.contract_line_id
    inner join {{ ref('contracts') }} as contracts on lines.contract_id = contracts.contract_id
    where subscriptions.status <> 'cancelled' and items.subscription_id <> contracts.subscription_id
    group by items.contract_line_id
),

frequencies as (
    {{ billing_frequencies() }}
),

together as (
    select distinct contract_line_id, subscription_id
    from {{ ref('subscription_items') }}
),

compared as (
    select
        lines.*,
        contracts.legal_entity,
        contracts.subscription_id,
        contracts.end_date as contract_end_date,
        contracts.link_method,
        subscriptions.modified_at as billing_modified_at,
        apart.subscription_id as other_subscription_id,
        signed.effective_at as signed_at,
        {{ whole_minor('lines.unit_mrr_minor * lines.quantity') }} as mrr_minor,
        {{ local_date('apart.period_end_at', 'legal_entities.time_zone') }} as other_period_end_date,
        {{ local_date('subscriptions.current_period_end_at', 'legal_entities.time_zone') }} as period_end_date,
        coalesce('monthly' in (own.billing_frequency, others.billing_frequency), false) as is_monthly
    from {{ ref('contract_lines') }} as lines
    inner join {{ ref('contract_line__crm') }} as signed on lines.contract_line_id = signed.contract_line_id
    inner join {{ ref('contracts') }} as contracts on lines.contract_id = contracts.contract_id
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
    left join {{ ref('subscriptions') }} as subscriptions on contracts.subscription_id = subscriptions.subscription_id
    left join together
        on lines.contract_line_id = together.contract_line_id and contracts.subscription_id = together.subscription_id
    -- what the contract's own subscription bills as well is billed twice
    left join apart on lines.contract_line_id = apart.contract_line_id and together.subscription_id is null
    left join frequencies as own on contracts.subscription_id = own.subscription_id
    left join frequencies as others on apart.subscription_id = others.subscription_id
    where lines.is_co_termed and contracts.is_won and contracts.status = 'activated'
)

select
    'salesforce:' || contract_line_id as row_key,
    'contract_line' as entity,
    canonical_customer_id as canonical_id,
    correlation_id,
    contract_line_id as crm_id,
    coalesce(other_subscription_id, subscription_id) as billing_id,
    true as has_crm,
    subscription_id is not null as has_billing,
    legal_entity,
    currency,
    cast(null as varchar) as period,
    mrr_minor as crm_amount_minor,
    cast(null as bigint) as billing_amount_minor,
    case
        when subscription_id is null then 'not_billed'
        when link_method = 'renewal' then 'other_contract'
        when greatest(end_date, contract_end_date) < as_of_date then 'over'
    end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'billing_modified_at', 'salesforce', 'contract_line') }},
    {{ coverage('billing_coverage_seconds', 'signed_at', 'stripe', 'subscription') }},
    signed_at as event_at,
    contract_id,
    product_code,
    end_date as add_on_end_date,
    contract_end_date,
    {{ days_between('end_date', 'contract_end_date') }} as end_days,
    other_subscription_id,
    -- days of a period that fall between the two anchors; a monthly one comes again after a month
    coalesce(
        abs({{ days_between('period_end_date', 'other_period_end_date') }}) % case when is_monthly then 31 else 366 end, 0
    ) as stub_days
from compared
