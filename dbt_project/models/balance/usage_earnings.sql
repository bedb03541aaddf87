-- What metered use had come to by the end of each month, at the price and tiers of the period that bills it, or of its item
-- until one does. Days are those of UTC, as the policy of usage counts them.
with billed_periods as (
    select ratings.line_key, ratings.price_id, invoices.legal_entity
    from {{ ref('usage_ratings') }} as ratings
    inner join {{ ref('invoices') }} as invoices on ratings.invoice_key = invoices.invoice_key
),

days as (
    select
        case
            when billed_periods.line_key is not null then billed_periods.line_key
            -- which periods it was of, nobody says
            when usage.disposition = 'missed' then usage.item_id || '|' || {{ accounting_period('usage.usage_date') }}
            else coalesce(usage.line_key, usage.item_id)
        end as usage_period_key,
        billed_periods.line_key,
        usage.item_id,
        usage.disposition,
        usage.aggregation,
        coalesce(billed_periods.price_id, usage.price_id) as price_id,
        coalesce(billed_periods.legal_entity, usage.legal_entity) as legal_entity,
        usage.currency,
        {{ accounting_period('usage.usage_date') }} as period,
        usage.used_from_at,
        usage.quantity
    from {{ ref('usage') }} as usage
    left join billed_periods on usage.line_key = billed_periods.line_key
    where
        usage.item_id is not null
        and (usage.disposition <> 'billed' or billed_periods.line_key is not null)
),

months as (
    select
        usage_period_key,
        period,
        max(line_key) as line_key,
        max(item_id) as item_id,
        max(disposition) as disposition,
        max(aggregation) as aggregation,
        max(price_id) as price_id,
        max(legal_entity) as legal_entity,
        max(currency) as currency,
        sum(quantity) as quantity,
        max_by(quantity, used_from_at) as last_quantity
    from days
    group by usage_period_key, period
),

used as (
    select
        months.*,
        cast(
            case aggregation
                when 'last' then last_quantity
                else sum(quantity) over (
                    partition by usage_period_key order by period rows between unbounded preceding and current row
                )
            end as decimal(18, 6)
        ) as upto_quantity
    from months
),

by_tiers as (
    select
        used.usage_period_key,
        used.period,
        cast(sum({{ tier_amount(
            'used.upto_quantity', 'tiers.tiers_mode', 'tiers.lower_bound', 'tiers.up_to',
            'cast(tiers.unit_amount_minor as decimal(20, 12))', 'tiers.flat_amount_minor'
        ) }}) as decimal(38, 8)) as exact_minor
    from used
    inner join {{ ref('price_tier__billing') }} as tiers on used.price_id = tiers.price_id
    group by used.usage_period_key, used.period
),

rated as (
    select
        used.*,
        {{ whole_minor(
            'coalesce(by_tiers.exact_minor, used.upto_quantity * cast(prices.unit_amount_minor as decimal(20, 12)))'
        ) }} as upto_minor
    from used
    left join by_tiers on used.usage_period_key = by_tiers.usage_period_key and used.period = by_tiers.period
    left join {{ ref('stg_stripe__prices') }} as prices on used.price_id = prices.price_id
)

select
    usage_period_key || '|' || period as usage_earning_key,
    usage_period_key,
    period,
    line_key,
    item_id,
    disposition,
    legal_entity,
    currency,
    upto_minor,
    upto_minor - coalesce(lag(upto_minor) over (partition by usage_period_key order by period), 0) as earned_minor
from rated
