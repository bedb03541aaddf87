-- One row per end of a term: those that a contract has had, and the one that it has now.
with moves as (
    -- an end that was moved and moved back is none; of two moves of one end the last one counts
    select
        changes.contract_id,
        changes.end_date_before,
        changes.end_date_after,
        changes.changed_at,
        row_number() over (
            partition by changes.contract_id, changes.end_date_before
            order by changes.changed_at desc, changes.source_id
        ) as preference
    from {{ ref('contract_term_change__crm') }} as changes
    inner join {{ ref('contracts') }} as contracts on changes.contract_id = contracts.contract_id
    where changes.end_date_after > changes.end_date_before and changes.end_date_before < contracts.end_date
),

extensions as (
    select
        contract_id,
        end_date_before as term_end_date,
        'renewed' as outcome,
        'extended' as method,
        contract_id as new_contract_id,
        end_date_after as new_end_date,
        changed_at as decided_at
    from moves
    where preference = 1
),

successors as (
    select
        renews_contract_id as contract_id,
        contract_id as new_contract_id,
        end_date as new_end_date,
        coalesce(signed_at, created_at) as decided_at,
        row_number() over (partition by renews_contract_id order by start_date, contract_id) as preference
    from {{ ref('contracts') }}
    where renews_contract_id is not null and is_won and status <> 'draft'
),

present as (
    select
        contracts.contract_id,
        contracts.end_date as term_end_date,
        case
            when successors.new_contract_id is not null then 'renewed'
            when
                contracts.status in ('expired', 'cancelled')
                or subscriptions.status = 'cancelled'
                or subscriptions.is_cancelled_at_period_end
                then 'churned'
            else 'open'
        end as outcome,
        case when successors.new_contract_id is not null then 'new_contract' end as method,
        successors.new_contract_id,
        successors.new_end_date,
        coalesce(
            successors.decided_at,
            case
                when contracts.status in ('expired', 'cancelled') then coalesce(subscriptions.ended_at, contracts.modified_at)
                when subscriptions.status = 'cancelled' or subscriptions.is_cancelled_at_period_end
                    then subscriptions.status_changed_at
            end
        ) as decided_at
    from {{ ref('contracts') }} as contracts
    left join successors
        on contracts.contract_id = successors.contract_id and successors.preference = 1
    left join {{ ref('subscriptions') }} as subscriptions
        on contracts.subscription_id = subscriptions.subscription_id
    where contracts.is_won and contracts.status <> 'draft' and contracts.end_date is not null
),

terms as (
    select * from extensions
    union all
    select * from present
)

select
    terms.contract_id,
    terms.term_end_date,
    contracts.canonical_customer_id,
    contracts.correlation_id,
    terms.outcome,
    terms.method,
    terms.new_contract_id,
    terms.new_end_date,
    renewed.recurring_mrr_minor as renewed_mrr_minor,
    contracts.is_auto_renewed,
    contracts.subscription_id,
    contracts.currency,
    terms.decided_at
from terms
inner join {{ ref('contracts') }} as contracts on terms.contract_id = contracts.contract_id
left join {{ ref('contracts') }} as renewed on terms.new_contract_id = renewed.contract_id
