-- Billing beside its own schedule: drafts that should be issued by now, numbers that are skipped, and periods of running
-- subscriptions that began without an invoice.
with numbered as (
    select
        invoice_id,
        regexp_replace(number, '[0-9]{1,18}$', '') as series,
        cast(nullif(regexp_extract(number, '([0-9]{1,18})$', 1), '') as bigint) as place
    from {{ ref('invoice__billing') }}
    where number is not null
),

skipped as (
    select
        invoice_id,
        place - lag(place) over (partition by series order by place, invoice_id) - 1 as skipped_count
    from numbered
    where place is not null
),

latest as (
    select
        subscription_id,
        max(created_at) as invoiced_at
    from {{ ref('invoice__billing') }}
    where subscription_id is not null
    group by subscription_id
),

scheduled as (
    select
        'stripe:' || invoices.invoice_id as row_key,
        invoices.canonical_customer_id as canonical_id,
        invoices.correlation_id,
        invoices.invoice_id as billing_id,
        invoices.subscription_id,
        invoices.legal_entity,
        invoices.currency,
        coalesce(invoices.period, {{ accounting_period('cast(invoices.created_at as date)') }}) as period,
        invoices.total_minor as billing_amount_minor,
        invoices.number,
        case
            when invoices.status = 'draft' then case when sources.is_auto_advanced then 'stale_draft' end
            when skipped.skipped_count > 0 then 'number_gap'
        end as fault,
        case when invoices.status = 'draft' then invoices.total_minor end as expected_minor,
        skipped.skipped_count,
        coalesce(invoices.issued_at, invoices.created_at) as event_at,
        case
            when invoices.status = 'draft' then coalesce(sources.finalizes_at, invoices.created_at)
            else invoices.issued_at
        end as scheduled_at,
        -- an hour to finalize a draft that says no time, and two more; two days for all else
        case
            when invoices.status <> 'draft' then 172800 when sources.finalizes_at is null then 10800 else 7200
        end as grace_seconds
    from {{ ref('invoice__billing') }} as invoices
    inner join {{ ref('stg_stripe__invoices') }} as sources on invoices.invoice_id = sources.invoice_id
    left join skipped on invoices.invoice_id = skipped.invoice_id
    union all
    -- a first period may begin unbilled, and who was never invoiced may be billed elsewhere
    select
        'stripe:' || subscriptions.subscription_id || '/' || cast(cast(subscriptions.current_period_start_at as date) as varchar),
        subscriptions.canonical_customer_id,
        subscriptions.correlation_id,
        cast(null as varchar),
        subscriptions.subscription_id,
        subscriptions.legal_entity,
        subscriptions.currency,
        {{ accounting_period('cast(subscriptions.current_period_start_at as date)') }},
        cast(null as bigint),
        cast(null as varchar),
        'not_invoiced',
        cast(
            subscriptions.mrr_minor
            * greatest({{ full_months(
                'cast(subscriptions.current_period_start_at as date)', 'cast(subscriptions.current_period_end_at as date)'
            ) }}, 1) as bigint
        ),
        cast(null as bigint),
        subscriptions.current_period_start_at,
        subscriptions.current_period_start_at,
        172800
    from {{ ref('subscription__billing') }} as subscriptions
    inner join latest on subscriptions.subscription_id = latest.subscription_id
    where
        subscriptions.status in ('active', 'past_due')
        and subscriptions.mrr_minor > 0
        and subscriptions.current_period_start_at > subscriptions.started_at
        and latest.invoiced_at < subscriptions.current_period_start_at
)

select
    row_key,
    'invoice' as entity,
    canonical_id,
    correlation_id,
    billing_id,
    billing_id is not null as has_billing,
    legal_entity,
    currency,
    period,
    billing_amount_minor,
    cast(null as varchar) as excluded_reason,
    {{ when_read(
        'billing_coverage_seconds',
        seconds_between('{scheduled_at}', '{stripe invoice}') ~ ' - {grace_seconds}',
        scheduled_at='scheduled_at', grace_seconds='grace_seconds'
    ) }},
    event_at,
    subscription_id,
    number,
    fault,
    expected_minor,
    skipped_count,
    {{ when_read(
        'is_month_over',
        'coalesce(' ~ month_start('{scheduled_at}') ~ ' < ' ~ month_start('{stripe invoice}') ~ ', false)',
        scheduled_at='scheduled_at'
    ) }}
from scheduled
