-- Changes that the CRM's own field history tells: amendments of won contracts and of their lines, and what the sales team
-- expects of a renewal. All fields of one commercial object that changed in the same second are one happening.
with changes as (
    select
        'contract_amended' as event_type, 'contract' as object, changes.contract_id as source_id,
        changes.field, changes.contract_id as record_id, '' as part, changes.value_before, changes.value_after,
        changes.changed_at
    from {{ ref('stg_salesforce__contract_histories') }} as changes
    union all
    select
        'contract_amended', 'contract', lines.contract_id,
        changes.field, changes.contract_line_id, changes.contract_line_id || '.', changes.value_before,
        changes.value_after, changes.changed_at
    from {{ ref('stg_salesforce__contract_line_histories') }} as changes
    inner join {{ ref('stg_salesforce__contract_lines') }} as lines on changes.contract_line_id = lines.contract_line_id
    union all
    select
        'renewal_forecast_updated', 'opportunity', changes.opportunity_id,
        changes.field, changes.opportunity_id, '', changes.value_before, changes.value_after, changes.changed_at
    from {{ ref('stg_salesforce__opportunity_histories') }} as changes
    inner join {{ ref('event_renewals') }} as renewals on changes.opportunity_id = renewals.opportunity_id
),

named as (
    select
        changes.*,
        {{ crm_attribute('changes.field') }} as attribute
    from changes
    left join {{ ref('contracts') }} as contracts
        on changes.event_type = 'contract_amended' and changes.source_id = contracts.contract_id
    -- what changes before the signature is negotiation
    where changes.event_type <> 'contract_amended' or (contracts.is_won and changes.changed_at > contracts.signed_at)
)

select
    event_type,
    'salesforce' as system,
    object,
    source_id,
    strftime(changed_at, '%Y-%m-%dT%H:%M:%SZ') as occurrence,
    changed_at as occurred_at,
    record_id,
    attribute,
    part || attribute as member,
    value_before,
    value_after
from named
