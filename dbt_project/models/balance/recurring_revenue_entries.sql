-- What the movements of each month add to recurring revenue, and by how much what is charged changes; in the month of the
-- snapshot that is what billing's live subscriptions come to today.
with months as (
    select
        mrr_months.*,
        mrr_months.measured_date = build.snapshot_date and subscriptions.status in ('active', 'past_due') as is_standing,
        subscriptions.mrr_minor,
        lag(mrr_months.closing_minor) over (partition by mrr_months.subscription_id order by mrr_months.period)
            as previous_minor
    from {{ ref('mrr_months') }} as mrr_months
    left join {{ ref('subscriptions') }} as subscriptions on mrr_months.subscription_id = subscriptions.subscription_id
    cross join {{ ref('stg_control__build') }} as build
),

entries as (
    {% for movement in ['new', 'expansion', 'reactivation', 'price', 'contraction', 'churn'] -%}
    select
        'movements' as side,
        subscription_id,
        '{{ movement }}' as movement,
        legal_entity,
        currency,
        period,
        {{ movement }}_minor as amount_minor
    from months
    union all
    {% endfor -%}
    select
        'billing',
        subscription_id,
        'charged',
        legal_entity,
        currency,
        period,
        case when is_standing then mrr_minor else closing_minor end - coalesce(previous_minor, 0)
    from months
)

select
    concat_ws('|', side, movement, subscription_id, period) as entry_key,
    'recurring_revenue' as control,
    side,
    -- movements of one month may not make up for those of another
    subscription_id || '|' || period as object_key,
    subscription_id as document_id,
    movement,
    legal_entity,
    currency,
    period,
    cast(amount_minor as bigint) as amount_minor,
    cast(null as varchar) as excluded_reason
from entries
where amount_minor <> 0
