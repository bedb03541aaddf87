-- Of card payments that are old enough to be judged, how many were ever disputed; an inquiry is no dispute yet.
with build as (
    select {{ days_after('snapshot_date', '-90') }} as first_date, {{ days_after('snapshot_date', '-30') }} as last_date
    from {{ ref('stg_control__build') }}
),

disputed as (
    select distinct payment_key
    from {{ ref('disputes') }}
    where status <> 'inquiry'
)

select
    coalesce(payments.legal_entity, 'unknown') as legal_entity,
    count(disputed.payment_key) as disputed_count,
    count(*) as payment_count
from {{ ref('payments') }} as payments
cross join build
left join disputed on payments.payment_key = disputed.payment_key
where payments.owner_role = 'billing'
    and payments.is_settled
    and cast(payments.paid_at as date) between build.first_date and build.last_date
group by coalesce(payments.legal_entity, 'unknown')
