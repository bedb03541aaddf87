with by_reference as (
    select
        contracts.contract_id,
        subscriptions.subscription_id,
        'contract_reference' as link_method
    from {{ ref('contract__crm') }} as contracts
    inner join {{ ref('subscription__billing') }} as subscriptions on contracts.contract_id = subscriptions.contract_id
),

by_correlation as (
    select
        contracts.contract_id,
        subscriptions.subscription_id,
        'correlation_id' as link_method
    from {{ ref('contract__crm') }} as contracts
    inner join {{ ref('subscription__billing') }} as subscriptions
        on contracts.correlation_id = subscriptions.correlation_id
    where subscriptions.contract_id is null
),

referenced as (
    select * from by_reference
    union all
    select * from by_correlation
),

preferred as (
    -- a named contract before a shared correlation id; of several subscriptions the live one, then the first
    select
        referenced.contract_id,
        referenced.subscription_id,
        referenced.link_method,
        row_number() over (
            partition by referenced.contract_id
            order by
                referenced.link_method = 'correlation_id',
                subscriptions.status = 'cancelled',
                subscriptions.started_at,
                subscriptions.subscription_id
        ) as preference
    from referenced
    inner join {{ ref('subscription__billing') }} as subscriptions
        on referenced.subscription_id = subscriptions.subscription_id
),

linked as (
    select contract_id, subscription_id, link_method
    from preferred
    where preference = 1
),

candidates as (
    -- without a reference: the same customer and currency, and nearly the same start
    select
        contracts.contract_id,
        subscriptions.subscription_id,
        abs(date_diff('day', contracts.start_date, cast(subscriptions.started_at as date))) as days_apart
    from {{ ref('contract__crm') }} as contracts
    inner join {{ ref('subscription__billing') }} as subscriptions
        on
            contracts.canonical_customer_id = subscriptions.canonical_customer_id
            and contracts.currency = subscriptions.currency
    where
        contracts.is_won
        and contracts.status = 'activated'
        and contracts.contract_id not in (select linked.contract_id from linked)
        and subscriptions.contract_id is null
        and subscriptions.channel <> 'self_serve'
        and subscriptions.subscription_id not in (select referenced.subscription_id from referenced)
),

resembling as (
    select
        contract_id,
        subscription_id,
        row_number() over (
            partition by contract_id order by days_apart, subscription_id
        ) as subscription_preference,
        row_number() over (
            partition by subscription_id order by days_apart, contract_id
        ) as contract_preference
    from candidates
    where days_apart <= {{ var('contract_start_window_days') }}
),

links as (
    select contract_id, subscription_id, link_method
    from linked
    union all
    -- each must be the other's nearest
    select contract_id, subscription_id, 'customer_and_start' as link_method
    from resembling
    where subscription_preference = 1 and contract_preference = 1
),

neighbours as (
    select contract_id, renews_contract_id as neighbour_id
    from {{ ref('contract__crm') }}
    where renews_contract_id is not null
    union
    select renews_contract_id, contract_id
    from {{ ref('contract__crm') }}
    where renews_contract_id is not null
),

by_renewal as (
    -- around the day of a renewal one of the two contracts is named by the subscription, and stands for both
    select
        contracts.contract_id,
        links.subscription_id,
        row_number() over (
            partition by contracts.contract_id order by others.start_date desc, others.contract_id
        ) as preference
    from {{ ref('contract__crm') }} as contracts
    inner join neighbours on contracts.contract_id = neighbours.contract_id
    inner join {{ ref('contract__crm') }} as others on neighbours.neighbour_id = others.contract_id
    inner join links on others.contract_id = links.contract_id
    where contracts.contract_id not in (select linked_contracts.contract_id from links as linked_contracts)
),

all_links as (
    select contract_id, subscription_id, link_method from links
    union all
    select contract_id, subscription_id, 'renewal' as link_method from by_renewal where preference = 1
),

served as (
    -- the whole months of a line from its first day on, and the day behind its last
    select
        contract_id,
        unit_mrr_minor * quantity as month_minor,
        start_date,
        {{ days_after('end_date', 1) }} as next_date,
        {{ full_months('start_date', days_after('end_date', 1)) }} as whole_months
    from {{ ref('contract_lines') }}
    where end_date >= start_date
),

counted as (
    -- a term from the last day of a long month on ends with that of a shorter one
    select
        *,
        whole_months + case when {{ months_after('start_date', 'whole_months + 1') }} <= next_date then 1 else 0 end as months
    from served
),

valued as (
    -- days beyond whole months count as days of a year of 365
    select
        contract_id,
        {{ whole_minor(exact_ratio(
            'sum(month_minor * (365 * months + 12 * ' ~ days_between(months_after('start_date', 'months'), 'next_date') ~ '))',
            '365'
        )) }} as total_value_minor
    from counted
    group by contract_id
)

select
    contracts.contract_id,
    contracts.contract_number,
    contracts.canonical_customer_id,
    contracts.account_id,
    contracts.opportunity_id,
    contracts.correlation_id,
    contracts.is_won,
    contracts.status,
    contracts.start_date,
    contracts.end_date,
    contracts.signed_at,
    contracts.legal_entity,
    contracts.billing_frequency,
    contracts.is_auto_renewed,
    contracts.renews_contract_id,
    contracts.currency,
    coalesce(recurring.recurring_mrr_minor, 0) as recurring_mrr_minor,
    coalesce(valued.total_value_minor, 0) as total_value_minor,
    all_links.subscription_id,
    all_links.link_method,
    contracts.created_at,
    contracts.modified_at
from {{ ref('contract__crm') }} as contracts
left join all_links on contracts.contract_id = all_links.contract_id
left join {{ ref('recurring_contracts') }} as recurring on contracts.contract_id = recurring.contract_id
left join valued on contracts.contract_id = valued.contract_id
