-- What was used, by the subscription items that it is billed by, each day or part of a day with its period. Stripe bills
-- a customer's use of a meter by every item of that meter, so it stands once for each. An item that was replaced leaves
-- its lines to the one of the same subscription and meter; one that is gone is known by its lines alone.
with usages as (
    select * from {{ ref('stg_stripe__usages') }}
    where is_last_reading
),

present as (
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

lines as (
    select
        lines.invoice_line_id,
        lines.invoice_id,
        lines.subscription_item_id,
        lines.price_id,
        prices.product_id,
        prices.meter_id,
        lines.currency,
        invoices.subscription_id,
        invoices.status,
        date_trunc('minute', lines.service_start_at) as from_at,
        date_trunc('minute', lines.service_end_at) as until_at
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join {{ ref('invoice__billing') }} as invoices on lines.invoice_id = invoices.invoice_id
    inner join {{ ref('stg_stripe__prices') }} as prices on lines.price_id = prices.price_id
    where not lines.is_proration and prices.meter_id is not null
),

former as (
    select
        lines.subscription_item_id as item_id,
        lines.subscription_id,
        lines.meter_id,
        max(lines.price_id) as price_id,
        max(lines.product_id) as product_id,
        max(lines.currency) as currency,
        cast(null as timestamp) as period_start_at,
        max(subscriptions.customer_id) as customer_id,
        max(subscriptions.legal_entity) as legal_entity,
        max(subscriptions.correlation_id) as correlation_id,
        min(lines.from_at) as first_at,
        max(lines.until_at) as last_at
    from lines
    inner join {{ ref('subscription__billing') }} as subscriptions
        on lines.subscription_id = subscriptions.subscription_id
    left join present on lines.subscription_id = present.subscription_id and lines.meter_id = present.meter_id
    where present.item_id is null and lines.subscription_item_id is not null
    group by lines.subscription_item_id, lines.subscription_id, lines.meter_id
),

metered as (
    select * from present
    union all
    select * from former
),

candidates as (
    select
        usages.usage_id,
        metered.item_id,
        lines.invoice_line_id,
        lines.invoice_id,
        lines.status,
        -- its own line before one that a former item left; an issued invoice before a draft before a void one; of the tiers of one period the first line stands for all
        row_number() over (
            partition by usages.usage_id, metered.item_id
            order by
                case when lines.subscription_item_id = metered.item_id then 0 else 1 end,
                case lines.status when 'void' then 2 when 'draft' then 1 else 0 end,
                lines.invoice_id,
                lines.invoice_line_id
        ) as preference
    from usages
    inner join metered
        on usages.meter_id = metered.meter_id and usages.customer_id = metered.customer_id
    inner join lines
        on metered.subscription_id = lines.subscription_id
        and metered.meter_id = lines.meter_id
        and usages.used_from_at >= lines.from_at
        and usages.used_from_at < lines.until_at
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
        -- the period is open, or the subscription has ended and its last invoice is to come
        when usages.used_from_at >= date_trunc('minute', metered.period_start_at) then 'unbilled'
        else 'missed'
    end as disposition,
    case
        when candidates.status is null and usages.used_from_at >= date_trunc('minute', metered.period_start_at)
            then metered.last_at
    end as last_invoice_awaited_at,
    candidates.invoice_id,
    candidates.invoice_line_id,
    metered.correlation_id,
    {{ fingerprint([
        'usages.meter_id', 'usages.customer_id', 'usages.used_from_at', 'usages.quantity',
    ]) }} as fingerprint
from usages
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
