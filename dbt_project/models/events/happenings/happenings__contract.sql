-- A contract is won. The opportunity's field history tells from which stage, where the CRM keeps it.
with stages as (
    select
        opportunity_id,
        max_by(value_before, changed_at) as stage_before,
        max_by(value_after, changed_at) as stage_after
    from {{ ref('stg_salesforce__opportunity_histories') }}
    where field = 'StageName' and value_after = 'Closed Won'
    group by opportunity_id
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
