-- Changes that the CRM's own field history tells: amendments of won contracts and of their lines, moves of their ends, and
-- what the sales team expects of a renewal. All fields of one commercial object that changed in the same second are one
-- happening.
{% set sold = ['quantity', 'unit_price', 'discount_percent', 'start_date', 'end_date'] %}
with changes as (
    {%- for attribute in sold %}
    select
        'contract_amended' as event_type, 'contract' as object, contract_id as source_id, contract_line_id as record_id,
        contract_line_id || '.' as part, '{{ attribute }}' as attribute, contract_amendment_id as change_id,
        cast({{ attribute }}_before as varchar) as value_before, cast({{ attribute }}_after as varchar) as value_after,
        changed_at
    from {{ ref('contract_amendments') }}
    where {{ attribute }}_before is distinct from {{ attribute }}_after
    union all
    {%- endfor %}
    select
        'contract_amended', 'contract', contract_id, contract_id, '', 'end_date', source_id,
        cast(end_date_before as varchar), cast(end_date_after as varchar), changed_at
    from {{ ref('contract_term_change__crm') }}
    union all
    select
        'contract_amended', 'contract', contract_id, contract_id, '', {{ crm_attribute('field') }}, change_id,
        value_before, value_after, changed_at
    from {{ ref('stg_salesforce__contract_histories') }}
    where field <> 'EndDate'
    union all
    select
        'renewal_forecast_updated', 'opportunity', changes.opportunity_id, changes.opportunity_id, '',
        {{ crm_attribute('changes.field') }}, changes.change_id, changes.value_before, changes.value_after, changes.changed_at
    from {{ ref('stg_salesforce__opportunity_histories') }} as changes
    inner join {{ ref('event_renewals') }} as renewals on changes.opportunity_id = renewals.opportunity_id
),

settled as (
    -- a change is told once all that tells of its second has been read. What changes before the signature is negotiation
    select changes.*
    from changes
    left join {{ ref('contracts') }} as contracts
        on changes.event_type = 'contract_amended' and changes.source_id = contracts.contract_id
    where
        coalesce(changes.changed_at <= {{ crm_history_read_until('changes.object') }}, true)
        and (changes.event_type <> 'contract_amended' or (contracts.is_won and changes.changed_at > contracts.signed_at))
),

named as (
    -- of one field that was saved twice in a second: what it was first, and what it is in the end
    select
        *,
        first_value(value_before) over one_field as first_before,
        row_number() over (
            partition by event_type, source_id, record_id, attribute, changed_at order by change_id desc
        ) as recency
    from settled
    window one_field as (partition by event_type, source_id, record_id, attribute, changed_at order by change_id)
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
    first_before as value_before,
    value_after
from named
where recency = 1
