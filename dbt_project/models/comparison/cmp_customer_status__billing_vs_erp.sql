-- Whether the ERP can take what billing will post for a customer.
with paired as (
    select row_key, canonical_id, billing_id, erp_id, legal_entity, currency
    from {{ ref('cmp_customer__billing_vs_erp') }}
    where has_billing and has_erp
),

charged as (
    -- what a subscription's items come to when their period ends
    select
        subscription_id,
        {{ whole_minor('sum(unit_mrr_minor * quantity * span_months)') }} as period_minor
    from {{ ref('subscription_items') }}
    where quantity is not null
    group by subscription_id
),

upcoming as (
    select
        subscriptions.customer_id,
        count(*) as live_count,
        min(case when not subscriptions.is_cancelled_at_period_end then subscriptions.current_period_end_at end)
            as next_invoice_at,
        sum(case when not subscriptions.is_cancelled_at_period_end then charged.period_minor end) as next_minor
    from {{ ref('subscriptions') }} as subscriptions
    left join charged on subscriptions.subscription_id = charged.subscription_id
    where subscriptions.status in ('active', 'past_due', 'trial')
    group by subscriptions.customer_id
),

owed as (
    select
        customer_id,
        sum(amount_due_minor) as open_minor
    from {{ ref('invoice__billing') }}
    where status in ('open', 'partially_paid')
    group by customer_id
),

compared as (
    select
        paired.*,
        erp.is_active,
        erp.modified_at as erp_modified_at,
        coalesce(upcoming.live_count, 0) as live_count,
        upcoming.next_invoice_at,
        cast(coalesce(upcoming.next_minor, 0) as bigint) as next_invoice_minor,
        cast(coalesce(owed.open_minor, 0) as bigint) as open_minor
    from paired
    inner join {{ ref('customer__erp') }} as erp on paired.erp_id = erp.source_id
    left join upcoming on paired.billing_id = upcoming.customer_id
    left join owed on paired.billing_id = owed.customer_id
)

select
    row_key,
    'customer' as entity,
    canonical_id,
    cast(null as varchar) as correlation_id,
    billing_id,
    erp_id,
    true as has_billing,
    true as has_erp,
    legal_entity,
    currency,
    cast(null as varchar) as period,
    open_minor as billing_amount_minor,
    cast(null as bigint) as erp_amount_minor,
    case when live_count = 0 and open_minor = 0 then 'nothing_to_post' end as excluded_reason,
    cast(null as bigint) as billing_coverage_seconds,
    {{ coverage('erp_coverage_seconds', 'erp_modified_at', 'netsuite', 'customer') }},
    erp_modified_at as event_at,
    is_active as is_active_in_erp,
    live_count > 0 as has_live_subscription,
    open_minor,
    next_invoice_minor,
    next_invoice_at,
    {{ when_read(
        'seconds_to_invoice', seconds_between('{netsuite customer}', '{next_invoice_at}'), next_invoice_at='next_invoice_at'
    ) }}
from compared
