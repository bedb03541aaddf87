-- What was used, by the subscription items that it is billed by, each day or part of a day with its period. Stripe bills
-- a customer's use of a meter by every item of that meter, so it stands once for each.
with metered as (
    select
        items.item_id,
        items.subscription_id,
        items.meter_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.period_start_at,
        subscriptions.customer_id,
        subscriptions.legal_entity,
        subscriptions.correlation_id,
        -- Stripe adds up whole minutes
        date_trunc('minute', subscriptions.started_at) as first_at,
        subscriptions.ended_at as last_at
    from {{ ref('stg_stripe__subscription_items') }} as items
    inner join {{ ref('subscription__billing') }} as subscriptions
        on items.subscription_id = subscriptions.subscription_id
    where items.usage_type = 'metered' and items.meter_id is not null
),

billed as (
    select
        lines.invoice_line_id,
        lines.invoice_id,
        lines.subscription_item_id,
        invoices.status,
        date_trunc('minute', lines.service_start_at) as from_at,
        date_trunc('minute', lines.service_end_at) as until_at
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join {{ ref('invoice__billing') }} as invoices on lines.invoice_id = invoices.invoice_id
    inner join metered on lines.subscription_item_id = metered.item_id
    where not lines.is_proration
),

candidates as (
    select
        usages.usage_id,
        metered.item_id,
        billed.invoice_line_id,
        billed.invoice_id,
        billed.status,
        billed.from_at,
        billed.until_at,
        -- an issued invoice before a draft before a void one; of the tiers of one period the first line stands for all
        row_number() over (
            partition by usages.usage_id, metered.item_id
            order by
                case billed.status when 'void' then 2 when 'draft' then 1 else 0 end,
                billed.invoice_id,
                billed.invoice_line_id
        ) as preference
    from {{ ref('stg_stripe__usages') }} as usages
    inner join metered
        on usages.meter_id = metered.meter_id and usages.customer_id = metered.customer_id
    inner join billed
        on metered.item_id = billed.subscription_item_id
        and usages.used_from_at >= billed.from_at
        and usages.used_from_at < billed.until_at
)

select
    usages.usage_id || '|' || coalesce(metered.item_id, '') as source_id,
    'stripe' as source_system,
    usages.usage_id,
    usages.meter_id,
    meters.event_name,
    meters.aggregation,
    metered.item_id,
    metered.subscription_id,
    customers.canonical_customer_id,
    usages.customer_id,
    products.product_code,
    metered.price_id,
    metered.legal_entity,
    metered.currency,
    usages.usage_date,
    usages.used_from_at,
    usages.used_until_at,
    usages.quantity,
    case
        when metered.item_id is null then 'unassigned'
        when candidates.status = 'draft' then 'unbilled'
        when candidates.status = 'void' then 'voided'
        when candidates.status is not null then 'billed'
        -- the period is open, or the subscription has just ended and its last invoice is to come
        when
            usages.used_from_at >= date_trunc('minute', metered.period_start_at)
            and (
                metered.last_at is null
                or {{ seconds_between('metered.last_at', watermark('stripe', 'usage')) }} < 3600 * {{ var('usage_late_hours') }}
            )
            then 'unbilled'
        else 'missed'
    end as disposition,
    candidates.invoice_id,
    candidates.invoice_line_id,
    metered.correlation_id,
    {{ fingerprint([
        'usages.meter_id', 'usages.customer_id', 'usages.used_from_at', 'usages.quantity',
    ]) }} as fingerprint
from {{ ref('stg_stripe__usages') }} as usages
left join metered
    on usages.meter_id = metered.meter_id
    and usages.customer_id = metered.customer_id
    and usages.used_from_at >= metered.first_at
    and (metered.last_at is null or usages.used_from_at < metered.last_at)
left join candidates
    on usages.usage_id = candidates.usage_id and metered.item_id = candidates.item_id and candidates.preference = 1
left join {{ ref('stg_stripe__meters') }} as meters on usages.meter_id = meters.meter_id
left join {{ ref('stg_stripe__products') }} as products on metered.product_id = products.product_id
left join {{ ref('customer__billing') }} as customers on usages.customer_id = customers.source_id
