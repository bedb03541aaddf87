-- Monthly recurring revenue of each subscription at the end of each month (for the month of the snapshot: on its day),
-- and what became of it since the month before.
with build as (
    select
        snapshot_date,
        {{ month_start('snapshot_date') }} as current_month
    from {{ ref('stg_control__build') }}
),

terms as (
    select
        subscriptions.subscription_id,
        subscriptions.canonical_customer_id,
        subscriptions.contract_id,
        subscriptions.legal_entity,
        subscriptions.currency,
        subscriptions.mrr_minor,
        subscriptions.status in ('active', 'past_due') as is_live,
        {{ local_date('subscriptions.started_at', 'entities.time_zone') }} as start_date,
        {{ local_date(
            "coalesce(subscriptions.ended_at, case when subscriptions.status = 'cancelled' then subscriptions.status_changed_at end)",
            'entities.time_zone'
        ) }} as ended_date
    from {{ ref('subscriptions') }} as subscriptions
    left join {{ ref('legal_entities') }} as entities on subscriptions.legal_entity = entities.legal_entity
),

spans as (
    select
        terms.*,
        build.snapshot_date,
        build.current_month,
        {{ month_start('terms.start_date') }} as first_month,
        {{ month_start('least(coalesce(terms.ended_date, build.snapshot_date), build.snapshot_date)') }} as last_month
    from terms
    cross join build
    where terms.start_date <= build.snapshot_date
),

months as (
    select
        spans.*,
        {{ months_after('spans.first_month', 'numbers.number') }} as month_date
    from spans
    inner join ({{ whole_numbers() }}) as numbers
        on numbers.number <= 12 * (year(spans.last_month) - year(spans.first_month))
        + month(spans.last_month) - month(spans.first_month)
),

measured as (
    select
        *,
        least(last_day(month_date), snapshot_date) as measured_date,
        month_date = current_month as is_current
    from months
),

charged_lines as (
    select
        measured.subscription_id,
        measured.month_date,
        lines.product_code,
        lines.quantity,
        lines.monthly_minor,
        -- an item that two invoices charge for one day counts once, as last invoiced, with the lines of all its tiers
        rank() over (
            partition by measured.subscription_id, measured.month_date, coalesce(lines.subscription_item_id, lines.source_id)
            order by invoices.created_at desc, lines.invoice_id desc
        ) as recency
    from measured
    inner join {{ ref('invoice__billing') }} as invoices on measured.subscription_id = invoices.subscription_id
    inner join {{ ref('invoice_line__billing') }} as lines
        on invoices.invoice_id = lines.invoice_id
        and measured.measured_date between lines.service_start_date and lines.service_end_date
    where
        lines.monthly_minor is not null
        -- what is void as soon as it is finalized was never asked for: collection is paused
        and not (
            invoices.status = 'void'
            and {{ seconds_between('invoices.issued_at', 'invoices.status_changed_at') }} < {{ var('paused_void_seconds') }}
        )
),

charged_products as (
    select
        subscription_id,
        month_date,
        coalesce(product_code, '') as product_code,
        sum(quantity) as quantity,
        sum(monthly_minor) as monthly_minor
    from charged_lines
    where recency = 1
    group by subscription_id, month_date, coalesce(product_code, '')
),

charged as (
    select
        subscription_id,
        month_date,
        {{ whole_minor('sum(monthly_minor)') }} as mrr_minor,
        string_agg(product_code || ' x ' || cast(quantity as varchar), ', ' order by product_code) as mix
    from charged_products
    group by subscription_id, month_date
),

standing_products as (
    select
        subscription_id,
        coalesce(product_code, '') as product_code,
        sum(quantity) as quantity
    from {{ ref('subscription_item__billing') }}
    group by subscription_id, coalesce(product_code, '')
),

standing as (
    select
        subscription_id,
        string_agg(product_code || ' x ' || cast(quantity as varchar), ', ' order by product_code) as mix
    from standing_products
    group by subscription_id
),

closings as (
    select
        measured.*,
        -- what a live subscription consists of is known today; for the past its invoices are the evidence
        measured.is_current and measured.is_live and (measured.ended_date is null or measured.ended_date > measured.measured_date)
            as is_standing,
        cast(
            case
                when measured.ended_date <= measured.measured_date then 0
                when measured.is_current and measured.is_live then measured.mrr_minor
                else coalesce(charged.mrr_minor, 0)
            end as bigint
        ) as closing_minor,
        charged.mix as charged_mix,
        standing.mix as standing_mix
    from measured
    left join charged
        on measured.subscription_id = charged.subscription_id and measured.month_date = charged.month_date
    left join standing on measured.subscription_id = standing.subscription_id
),

compared as (
    select
        *,
        case when is_standing then standing_mix else charged_mix end as mix,
        coalesce(lag(closing_minor) over (partition by subscription_id order by month_date), 0) as opening_minor,
        coalesce(
            max(closing_minor) over (
                partition by subscription_id order by month_date rows between unbounded preceding and 1 preceding
            ),
            0
        ) as highest_before_minor
    from closings
),

classified as (
    select
        *,
        case
            when closing_minor = opening_minor then 'none'
            when opening_minor = 0 and highest_before_minor = 0 then 'new'
            when opening_minor = 0 then 'reactivation'
            when closing_minor = 0 then 'churn'
            when mix = lag(mix) over (partition by subscription_id order by month_date) then 'price'
            when closing_minor > opening_minor then 'expansion'
            else 'contraction'
        end as movement
    from compared
)

select
    subscription_id || '|' || {{ accounting_period('month_date') }} as mrr_month_key,
    subscription_id,
    {{ accounting_period('month_date') }} as period,
    measured_date,
    canonical_customer_id,
    contract_id,
    legal_entity,
    currency,
    movement,
    opening_minor,
    case when movement = 'new' then closing_minor - opening_minor else 0 end as new_minor,
    case when movement = 'expansion' then closing_minor - opening_minor else 0 end as expansion_minor,
    case when movement = 'reactivation' then closing_minor - opening_minor else 0 end as reactivation_minor,
    case when movement = 'price' then closing_minor - opening_minor else 0 end as price_minor,
    case when movement = 'contraction' then closing_minor - opening_minor else 0 end as contraction_minor,
    case when movement = 'churn' then closing_minor - opening_minor else 0 end as churn_minor,
    closing_minor,
    12 * closing_minor as arr_minor
from classified
