-- Amendments, renewal forecasts and changed subscriptions, told by a field history or seen between two nights.
with told as (
    select
        event_type,
        system,
        object,
        source_id,
        occurrence,
        occurred_at,
        {{ json_gathered('member', 'value_before') }} as before_json,
        {{ json_gathered('member', 'value_after') }} as after_json
    from {{ ref('happenings__field_history') }}
    group by event_type, system, object, source_id, occurrence, occurred_at
),

changes as (
    select * from told
    union all
    select event_type, system, object, source_id, occurrence, occurred_at, before_json, after_json
    from {{ ref('happenings__observed') }}
)

select
    changes.event_type,
    changes.system,
    changes.object,
    changes.source_id,
    changes.occurrence,
    changes.occurred_at,
    changes.object as subject_kind,
    changes.source_id as subject_id,
    coalesce(
        contracts.canonical_customer_id, subscriptions.canonical_customer_id, renewals.canonical_customer_id
    ) as canonical_customer_id,
    coalesce(
        contracts.correlation_id, subscriptions.correlation_id,
        case when renewals.opportunity_id is not null then 'q2c_' || renewals.opportunity_id end
    ) as correlation_id,
    coalesce(contracts.legal_entity, subscriptions.legal_entity) as legal_entity,
    coalesce(contracts.currency, subscriptions.currency, renewals.currency) as currency,
    coalesce(contracts.recurring_mrr_minor, subscriptions.mrr_minor, renewals.amount_minor) as amount_minor,
    changes.before_json,
    changes.after_json
from changes
left join {{ ref('contracts') }} as contracts
    on changes.object = 'contract' and changes.source_id = contracts.contract_id
left join {{ ref('subscriptions') }} as subscriptions
    on changes.object = 'subscription' and changes.source_id = subscriptions.subscription_id
left join {{ ref('event_renewals') }} as renewals
    on changes.object = 'opportunity' and changes.source_id = renewals.opportunity_id
