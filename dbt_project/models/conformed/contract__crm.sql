with contracts as (
    select
        contracts.contract_id,
        contracts.contract_number,
        contracts.account_id,
        contracts.opportunity_id,
        coalesce(opportunities.is_won, false) as is_won,
        contracts.status,
        contracts.start_date,
        contracts.end_date,
        contracts.activated_at,
        opportunities.close_date,
        contracts.legal_entity,
        contracts.billing_frequency,
        contracts.is_auto_renewed,
        contracts.renews_contract_id,
        contracts.currency,
        contracts.created_at,
        greatest(contracts.modified_at, opportunities.modified_at) as modified_at
    from {{ ref('stg_salesforce__contracts') }} as contracts
    left join {{ ref('stg_salesforce__opportunities') }} as opportunities
        on contracts.opportunity_id = opportunities.opportunity_id
)

select
    contracts.contract_id as source_id,
    'salesforce' as source_system,
    contracts.contract_id,
    contracts.contract_number,
    crosswalk.canonical_customer_id,
    contracts.account_id,
    contracts.opportunity_id,
    contracts.is_won,
    contracts.status,
    contracts.start_date,
    contracts.end_date,
    -- greatest() ignores nulls: a draft has no activation, a contract without opportunity no close date
    greatest(
        contracts.activated_at, {{ local_midnight('contracts.close_date', 'legal_entities.time_zone') }}
    ) as signed_at,
    contracts.legal_entity,
    contracts.billing_frequency,
    contracts.is_auto_renewed,
    contracts.renews_contract_id,
    contracts.currency,
    'q2c_' || contracts.opportunity_id as correlation_id,
    contracts.created_at,
    contracts.modified_at,
    {{ fingerprint([
        'contracts.is_won', 'contracts.status', 'contracts.start_date', 'contracts.end_date',
        'contracts.currency',
    ]) }} as fingerprint
from contracts
left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
left join {{ source('identity', 'crosswalk') }} as crosswalk
    on crosswalk.system = 'salesforce' and contracts.account_id = crosswalk.source_id
