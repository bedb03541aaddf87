-- Every price of the price book in use, beside the one of billing's prices that stands for it. Billing does not mark list
-- prices: it is one that is equal, else one that is apart by a slip of basis, else the oldest.
with offers as (
    select
        *,
        price_interval = 'month' and interval_count = 1 as is_monthly,
        dense_rank() over (
            partition by product_code, currency
            order by case price_interval when 'month' then interval_count when 'year' then 12 * interval_count else 999 end
        ) as span_rank
    from {{ ref('price_versions') }}
    where role = 'billing' and is_active and not is_metered and price_interval is not null
),

tiers as (
    select
        role,
        price_id,
        tiers_mode || ' ' || string_agg(
            coalesce(cast(up_to as varchar), 'more') || ' at ' || {{ plain_number('unit_amount_minor') }}
            || case when flat_amount_minor <> 0 then ' and ' || {{ plain_number('flat_amount_minor') }} else '' end,
            ', ' order by lower_bound
        ) as tiers
    from {{ ref('price_tiers') }}
    where is_current
    group by role, price_id, tiers_mode
),

candidates as (
    select
        entries.price_id as entry_id,
        entries.product_code,
        entries.currency,
        entries.valid_from,
        entries.unit_month_minor as crm_unit_month_minor,
        entry_tiers.tiers as crm_tiers,
        offers.price_id as offer_id,
        offers.unit_month_minor as billing_unit_month_minor,
        offer_tiers.tiers as billing_tiers,
        case
            when entry_tiers.tiers is not null or offer_tiers.tiers is not null
                then coalesce(entry_tiers.tiers = offer_tiers.tiers, false)
            -- a longer span may come to a month that no price book can hold: the entry is it, rounded
            when not offers.is_monthly and offers.unit_month_minor % 1 <> 0
                then coalesce(abs(entries.unit_month_minor - offers.unit_month_minor) <= 1, false)
            else coalesce(entries.unit_month_minor = offers.unit_month_minor, false)
        end as is_equal,
        {{ named_ratio('entries.unit_month_minor', 'offers.unit_month_minor', 'cast(null as bigint)') }} as price_ratio,
        offers.valid_from as offered_at
    from {{ ref('price_versions') }} as entries
    left join tiers as entry_tiers on entry_tiers.role = 'crm' and entries.price_id = entry_tiers.price_id
    left join offers
        on
            entries.product_code = offers.product_code
            and entries.currency = offers.currency
            -- as billing sells it by the shortest span, the month of the price book where it can
            and offers.span_rank = 1
    left join tiers as offer_tiers on offer_tiers.role = 'billing' and offers.price_id = offer_tiers.price_id
    where entries.role = 'crm' and entries.is_current and entries.is_active
),

chosen as (
    select
        *,
        row_number() over (
            partition by entry_id
            order by is_equal desc, (price_ratio is null), offered_at, offer_id
        ) as preference
    from candidates
),

sold as (
    -- units that live subscriptions pay for at a price
    select
        items.price_id,
        sum(items.quantity) as quantity
    from {{ ref('subscription_items') }} as items
    inner join {{ ref('subscriptions') }} as subscriptions on items.subscription_id = subscriptions.subscription_id
    where subscriptions.status in ('active', 'past_due')
    group by items.price_id
)

select
    'salesforce:' || chosen.entry_id as row_key,
    'price' as entity,
    cast(null as varchar) as canonical_id,
    cast(null as varchar) as correlation_id,
    chosen.entry_id as crm_id,
    chosen.offer_id as billing_id,
    true as has_crm,
    chosen.offer_id is not null as has_billing,
    cast(null as varchar) as legal_entity,
    chosen.currency,
    cast(null as varchar) as period,
    cast(null as bigint) as crm_amount_minor,
    cast(null as bigint) as billing_amount_minor,
    case when chosen.offer_id is null then 'not_in_billing' end as excluded_reason,
    {{ coverage('crm_coverage_seconds', 'chosen.offered_at', 'salesforce', 'pricebook_entry') }},
    {{ coverage('billing_coverage_seconds', 'chosen.valid_from', 'stripe', 'price') }},
    chosen.valid_from as event_at,
    chosen.product_code,
    coalesce(chosen.crm_tiers, {{ plain_number('chosen.crm_unit_month_minor') }}) as crm_list_price,
    coalesce(chosen.billing_tiers, {{ plain_number('chosen.billing_unit_month_minor') }}) as billing_list_price,
    chosen.is_equal,
    case when not chosen.is_equal then chosen.price_ratio end as price_ratio,
    cast(coalesce(sold.quantity, 0) as bigint) as live_quantity,
    cast(coalesce({{ whole_minor(
        '(chosen.crm_unit_month_minor - chosen.billing_unit_month_minor) * sold.quantity'
    ) }}, 0) as bigint) as monthly_gap_minor
from chosen
left join sold on chosen.offer_id = sold.price_id
where chosen.preference = 1
