with items as (
    select
        items.subscription_schedule_id,
        items.phase_number,
        items.item_number,
        schedules.subscription_id,
        schedules.status as schedule_status,
        schedules.crm_contract_id as contract_id,
        items.starts_at,
        items.ends_at,
        schedules.current_phase_start_at,
        prices.product_id,
        items.price_id,
        items.crm_contract_line_id,
        items.quantity,
        prices.currency,
        prices.unit_amount_minor,
        prices.price_interval,
        prices.interval_count,
        items.discounts,
        schedules.modified_at
    from {{ ref('stg_stripe__schedule_phase_items') }} as items
    inner join {{ ref('stg_stripe__subscription_schedules') }} as schedules
        on items.subscription_schedule_id = schedules.subscription_schedule_id
    left join {{ ref('stg_stripe__prices') }} as prices on items.price_id = prices.price_id
),

coupons_of as (
    -- a phase names its coupons; each leaves a factor of the price
    select
        opened.subscription_schedule_id,
        opened.phase_number,
        opened.item_number,
        {{ product_of('coalesce((100 - coupons.percent_off) * 0.01, 1)') }} as discount_factor
    from (
        select
            subscription_schedule_id,
            phase_number,
            item_number,
            unnest({{ stripe_list('discounts') }}) as discount
        from items
    ) as opened
    left join {{ ref('stg_stripe__coupons') }} as coupons
        on json_extract_string(opened.discount, '$.coupon') = coupons.coupon_id
    group by opened.subscription_schedule_id, opened.phase_number, opened.item_number
),

tiered as (
    select
        items.subscription_schedule_id,
        items.phase_number,
        items.item_number,
        sum({{ tier_amount(
            'items.quantity', 'tiers.tiers_mode', 'tiers.lower_bound', 'tiers.up_to', 'tiers.unit_amount_minor',
            'tiers.flat_amount_minor'
        ) }}) as span_minor
    from items
    inner join {{ ref('price_tier__billing') }} as tiers on items.price_id = tiers.price_id
    group by items.subscription_schedule_id, items.phase_number, items.item_number
),

spanned as (
    select
        items.*,
        products.product_code,
        -- weeks and days are brought to months by the calendar's average: 52 weeks or 365 days make 12 months
        coalesce(
            cast(items.unit_amount_minor as decimal(20, 12)),
            cast({{ exact_ratio('cast(tiered.span_minor as decimal(28, 8))', 'items.quantity') }} as decimal(20, 12))
        )
        * cast(coalesce(coupons_of.discount_factor, 1) as decimal(12, 10))
        * case items.price_interval when 'week' then 52 when 'day' then 365 else 1 end as unit_span_minor,
        items.interval_count * case items.price_interval when 'month' then 1 else 12 end as span_months
    from items
    left join coupons_of
        on
            items.subscription_schedule_id = coupons_of.subscription_schedule_id
            and items.phase_number = coupons_of.phase_number
            and items.item_number = coupons_of.item_number
    left join tiered
        on
            items.subscription_schedule_id = tiered.subscription_schedule_id
            and items.phase_number = tiered.phase_number
            and items.item_number = tiered.item_number
    left join {{ ref('stg_stripe__products') }} as products on items.product_id = products.product_id
),

monthly as (
    select
        *,
        {{ exact_ratio('unit_span_minor', 'span_months') }} as unit_mrr_minor
    from spanned
)

select
    concat(subscription_schedule_id, ':', phase_number, ':', item_number) as source_id,
    'stripe' as source_system,
    subscription_schedule_id,
    subscription_id,
    schedule_status,
    contract_id,
    phase_number,
    item_number,
    starts_at,
    ends_at,
    coalesce(starts_at = current_phase_start_at, false) as is_current,
    product_code,
    price_id,
    crm_contract_line_id,
    quantity,
    currency,
    unit_mrr_minor,
    modified_at
from monthly
