-- A contract is won, and a term of it is followed by another. The opportunity's field history tells from which stage, where the CRM keeps it.
with wins as (
    select
        opportunity_id,
        value_before as stage_before,
        value_after as stage_after,
        row_number() over (partition by opportunity_id order by changed_at desc, change_id desc) as recency
    from {{ ref('stg_salesforce__opportunity_histories') }}
    where field = 'StageName' and value_after = 'Closed Won'
),

stages as (
    select * from wins where recency = 1
)

select
    'contract_won' as event_type,
    'salesforce' as system,
    'contract' as object,
    contracts.contract_id as source_id,
    '1' as occurrence,
    contracts.signed_at as occurred_at,
    'contract' as subject_kind,
    contracts.contract_id as subject_id,
    contracts.canonical_customer_id,
    contracts.correlation_id,
    contracts.legal_entity,
    contracts.currency,
    contracts.recurring_mrr_minor as amount_minor,
    case when stages.stage_before is not null then {{ json_of({'stage': 'stages.stage_before'}) }} end as before_json,
    {{ json_of({
        'stage': "coalesce(stages.stage_after, 'Closed Won')", 'status': 'contracts.status',
        'start_date': 'contracts.start_date', 'end_date': 'contracts.end_date',
        'billing_frequency': 'contracts.billing_frequency', 'recurring_mrr_minor': 'contracts.recurring_mrr_minor',
    }) }} as after_json
from {{ ref('contracts') }} as contracts
left join stages on contracts.opportunity_id = stages.opportunity_id
where contracts.is_won and contracts.status <> 'draft'

union all

select
    'contract_renewed',
    'salesforce',
    'contract',
    renewals.contract_id,
    cast(renewals.term_end_date as varchar),
    renewals.decided_at,
    'contract',
    renewals.contract_id,
    renewals.canonical_customer_id,
    renewals.correlation_id,
    contracts.legal_entity,
    renewals.currency,
    renewals.renewed_mrr_minor,
    {{ json_of({'end_date': 'renewals.term_end_date'}) }},
    {{ json_of({
        'end_date': 'renewals.new_end_date', 'method': 'renewals.method', 'contract': 'renewals.new_contract_id',
        'recurring_mrr_minor': 'renewals.renewed_mrr_minor',
    }) }}
from {{ ref('contract_renewals') }} as renewals
inner join {{ ref('contracts') }} as contracts on renewals.contract_id = contracts.contract_id
where renewals.outcome = 'renewed' and contracts.is_won
