-- What live subscriptions sell, and each system's own record of it: one that is in use, or what is wrong with it.
with sold_items as (
    select
        items.item_id,
        -- a product that names no stock keeping unit stands for itself
        coalesce(products.product_code, 'unmapped ' || staged.product_id) as product_code,
        products.product_code is null as is_unmapped,
        staged.product_id,
        items.currency,
        items.unit_mrr_minor * items.quantity as mrr_minor
    from {{ ref('subscription_items') }} as items
    inner join {{ ref('stg_stripe__subscription_items') }} as staged on items.item_id = staged.item_id
    inner join {{ ref('subscriptions') }} as subscriptions on items.subscription_id = subscriptions.subscription_id
    left join {{ ref('product__billing') }} as products on staged.product_id = products.source_id
    where subscriptions.status in ('active', 'past_due')
),

valued as (
    select
        sold_items.product_code,
        min(rates.reporting_currency) as currency,
        {{ whole_minor('sum(' ~ exact_ratio('sold_items.mrr_minor * rates.rate', 'rates.minor_per_unit') ~ ')') }} as live_mrr_minor
    from (
        select product_code, currency, {{ whole_minor('sum(mrr_minor)') }} as mrr_minor
        from sold_items
        group by product_code, currency
    ) as sold_items
    left join {{ ref('reporting_rates') }} as rates on sold_items.currency = rates.currency
    group by sold_items.product_code
),

sold as (
    select
        product_code,
        bool_or(is_unmapped) as is_unmapped,
        min(product_id) as sold_product_id
    from sold_items
    group by product_code
),

records as (
    select 'crm' as role, source_id, product_code, is_active, modified_at, false as is_sold from {{ ref('product__crm') }}
    union all
    select
        'billing' as role,
        source_id,
        product_code,
        is_active,
        modified_at,
        source_id in (select product_id from sold_items) as is_sold
    from {{ ref('product__billing') }}
    union all
    select 'erp' as role, source_id, product_code, is_active, modified_at, false as is_sold from {{ ref('product__erp') }}
),

counted as (
    select
        role,
        product_code,
        -- the one in use, else the one sold, else the first; of several in use the last one made is too many
        coalesce(
            max(source_id) filter (where is_active), min(source_id) filter (where is_sold), min(source_id)
        ) as source_id,
        count(*) filter (where is_active) as active_count,
        -- of how many retired ones it may be that which is meant
        coalesce(nullif(count(*) filter (where is_sold), 0), count(*)) as meant_count,
        max(modified_at) as modified_at
    from records
    group by role, product_code
),

systems as (
    select * from (values ('crm', 'salesforce'), ('billing', 'stripe'), ('erp', 'netsuite')) as named (role, source_system)
)

select
    systems.source_system || ':' || sold.product_code as row_key,
    'product' as entity,
    cast(null as varchar) as canonical_id,
    cast(null as varchar) as correlation_id,
    case when sold.is_unmapped then sold.sold_product_id else counted.source_id end as system_id,
    true as has_system,
    cast(null as varchar) as legal_entity,
    valued.currency,
    cast(null as varchar) as period,
    cast(null as bigint) as system_amount_minor,
    cast(null as varchar) as excluded_reason,
    {{ coverage('system_coverage_seconds', 'counted.modified_at', 'stripe', 'subscription') }},
    counted.modified_at as event_at,
    systems.role,
    systems.source_system,
    sold.product_code,
    sold.sold_product_id,
    case
        when sold.is_unmapped then 'unmapped'
        when counted.product_code is null then 'missing'
        when counted.active_count = 0 and counted.meant_count > 1 then 'several_retired'
        when counted.active_count = 0 then 'retired'
        when counted.active_count > 1 then 'several'
    end as fault,
    coalesce(valued.live_mrr_minor, 0) as live_mrr_minor
from sold
inner join systems on not sold.is_unmapped or systems.role = 'billing'
left join counted on systems.role = counted.role and sold.product_code = counted.product_code
left join valued on sold.product_code = valued.product_code
