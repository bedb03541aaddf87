-- What was used and not yet billed: what each month earned as the meter counts it, beside what billing charged for it, less
-- what was billed. What no invoice bills yet, or ever will, is on both sides as it is rated.
with billed as (
    select
        ratings.line_key,
        ratings.currency,
        ratings.billed_minor,
        ratings.corrected_minor,
        invoices.legal_entity,
        billing.period,
        case
            when ratings.rated_minor = ratings.billed_minor then null
            when abs(ratings.metered_quantity - ratings.billed_quantity) >= 1 then null
            -- billing charges whole units; that at another price is no part of one
            when
                ratings.metered_quantity <> ratings.billed_quantity
                and abs(ratings.billed_rated_minor - ratings.billed_minor) <= ratings.line_count
                then 'part_of_a_unit'
            when abs(ratings.rated_minor - ratings.billed_minor) <= ratings.line_count then 'rounded_by_line'
        end as reason
    from {{ ref('usage_ratings') }} as ratings
    inner join {{ ref('invoices') }} as invoices on ratings.invoice_key = invoices.invoice_key
    inner join {{ ref('invoice__billing') }} as billing on ratings.invoice_key = billing.invoice_id
    -- of an item that is gone no meter tells the days
    where ratings.metered_quantity is not null
),

invoiced as (
    select line_key, period, billed_minor - corrected_minor as invoiced_minor
    from billed
    union all
    -- what puts a period right is unbilled while it waits for the next invoice
    select billed.line_key, invoices.period, corrections.amount_minor
    from {{ ref('usage_correction__billing') }} as corrections
    inner join billed on corrections.corrected_line_key = billed.line_key and corrections.currency = billed.currency
    inner join {{ ref('invoice__billing') }} as invoices on corrections.invoice_id = invoices.invoice_id
    where invoices.status <> 'draft'
),

earned as (
    select
        earnings.*,
        case when earnings.disposition in ('missed', 'voided') then earnings.disposition else 'earned' end as movement,
        billed.billed_minor,
        sum(earnings.earned_minor) over (partition by earnings.usage_period_key) as all_minor
    from {{ ref('usage_earnings') }} as earnings
    left join billed on earnings.line_key = billed.line_key
    where earnings.line_key is null or billed.line_key is not null
),

charged as (
    -- in the months in which the units were used, as their rating spreads them
    select
        *,
        case when all_minor > 0 then {{ earned_share('billed_minor', 'upto_minor', 'all_minor') }} end as upto_charged_minor
    from earned
    where line_key is not null
),

entries as (
    select
        'metered' as side,
        usage_period_key,
        movement,
        legal_entity,
        currency,
        period,
        earned_minor as amount_minor
    from earned
    union all
    select 'billing', usage_period_key, movement, legal_entity, currency, period, earned_minor
    from earned
    where line_key is null
    union all
    select
        'billing',
        usage_period_key,
        movement,
        legal_entity,
        currency,
        period,
        upto_charged_minor
        - coalesce(lag(upto_charged_minor) over (partition by usage_period_key order by period), 0)
    from charged
    where upto_charged_minor is not null
    union all
    -- units that cost nothing by their rating, or that no day of the meter has
    select 'billing', line_key, 'earned', legal_entity, currency, period, billed_minor
    from billed
    where line_key not in (select line_key from charged where upto_charged_minor is not null)
    {%- for side in ['metered', 'billing'] %}
    union all
    select '{{ side }}', line_key, 'billed', billed.legal_entity, billed.currency, invoiced.period, -sum(invoiced.invoiced_minor)
    from invoiced
    inner join billed using (line_key)
    group by line_key, billed.legal_entity, billed.currency, invoiced.period
    {%- endfor %}
)

select
    concat_ws('|', entries.side, entries.usage_period_key, entries.movement, entries.period) as entry_key,
    'unbilled_usage' as control,
    entries.side,
    entries.usage_period_key as object_key,
    entries.usage_period_key as document_id,
    entries.movement,
    entries.legal_entity,
    entries.currency,
    entries.period,
    cast(entries.amount_minor as bigint) as amount_minor,
    billed.reason as excluded_reason
from entries
left join billed on entries.usage_period_key = billed.line_key
where entries.amount_minor <> 0
