-- What was used, and what was billed of it, rated again at the price of the line that bills it, beside what billing charged. Of the tiers of one period the
-- first line stands for all. An invoice item that puts a period right counts with that period, not with the one it is invoiced in.
with lines as (
    select
        lines.invoice_line_id,
        lines.invoice_id,
        lines.subscription_item_id,
        lines.product_id,
        lines.price_id,
        lines.quantity,
        lines.gross_minor,
        lines.currency,
        prices.unit_amount_minor,
        lines.service_end_at,
        min(lines.invoice_line_id) over (
            partition by
                lines.invoice_id, lines.subscription_item_id, lines.price_id, lines.service_start_at, lines.service_end_at
        ) as line_key
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join {{ ref('stg_stripe__prices') }} as prices on lines.price_id = prices.price_id
    inner join {{ ref('invoices') }} as invoices on lines.invoice_id = invoices.invoice_key
    where
        prices.meter_id is not null
        and not lines.is_proration
        and invoices.status in ('open', 'partially_paid', 'paid', 'written_off')
),

corrected as (
    select
        corrected_line_key as line_key,
        currency,
        sum(quantity) as quantity,
        sum(amount_minor) as amount_minor
    from {{ ref('usage_correction__billing') }}
    group by corrected_line_key, currency
),

of_lines as (
    select
        line_key,
        invoice_id as invoice_key,
        subscription_item_id as item_id,
        price_id,
        product_id,
        currency,
        unit_amount_minor,
        sum(quantity) as billed_quantity,
        sum(gross_minor) as billed_minor,
        count(*) as line_count,
        max(service_end_at) as until_at
    from lines
    group by line_key, invoice_id, subscription_item_id, price_id, product_id, currency, unit_amount_minor
),

billed as (
    select
        of_lines.line_key,
        of_lines.invoice_key,
        of_lines.item_id,
        of_lines.price_id,
        of_lines.product_id,
        of_lines.currency,
        of_lines.unit_amount_minor,
        of_lines.billed_quantity + coalesce(corrected.quantity, 0) as billed_quantity,
        of_lines.billed_minor + coalesce(corrected.amount_minor, 0) as billed_minor,
        coalesce(corrected.amount_minor, 0) as corrected_minor,
        of_lines.line_count,
        of_lines.until_at
    from of_lines
    left join corrected on of_lines.line_key = corrected.line_key and of_lines.currency = corrected.currency
),

used as (
    select
        lines.line_key,
        case max(usage.aggregation)
            when 'last' then max_by(usage.quantity, usage.used_from_at)
            else sum(usage.quantity)
        end as metered_quantity
    from {{ ref('usage__billing') }} as usage
    inner join lines on usage.invoice_line_id = lines.invoice_line_id
    group by lines.line_key
),

metered as (
    select
        billed.*,
        cast(
            -- each night asks for the use of every item that its subscription still has: of these no day is no use
            coalesce(
                used.metered_quantity,
                case when items.item_id is not null and billed.until_at <= {{ watermark('stripe', 'usage') }} then 0 end
            ) as decimal(28, 12)
        ) as metered_quantity
    from billed
    left join used on billed.line_key = used.line_key
    left join {{ ref('stg_stripe__subscription_items') }} as items
        on billed.item_id = items.item_id and items.usage_type = 'metered'
),

by_tiers as (
    select
        metered.line_key
        {%- for units in ['metered', 'billed'] %},
        cast(sum({{ tier_amount(
            'cast(metered.' ~ units ~ '_quantity as decimal(18, 6))', 'tiers.tiers_mode', 'tiers.lower_bound', 'tiers.up_to',
            'cast(tiers.unit_amount_minor as decimal(20, 12))', 'tiers.flat_amount_minor'
        ) }}) as decimal(38, 8)) as {{ units }}_minor
        {%- endfor %}
    from metered
    inner join {{ ref('price_tier__billing') }} as tiers on metered.price_id = tiers.price_id
    group by metered.line_key
)

select
    metered.line_key,
    metered.invoice_key,
    metered.item_id,
    invoices.canonical_customer_id,
    products.product_code,
    metered.price_id,
    metered.currency,
    metered.metered_quantity,
    cast(metered.billed_quantity as bigint) as billed_quantity,
    {%- for units, rated in [('metered', 'rated_minor'), ('billed', 'billed_rated_minor')] %}
    {{ whole_minor(
        'coalesce(by_tiers.' ~ units ~ '_minor, cast(metered.' ~ units ~ '_quantity as decimal(18, 6))'
        ~ ' * cast(metered.unit_amount_minor as decimal(20, 12)))'
    ) }} as {{ rated }},
    {%- endfor %}
    cast(metered.billed_minor as bigint) as billed_minor,
    cast(metered.corrected_minor as bigint) as corrected_minor,
    cast(metered.line_count as bigint) as line_count
from metered
inner join {{ ref('invoices') }} as invoices on metered.invoice_key = invoices.invoice_key
left join by_tiers on metered.line_key = by_tiers.line_key
left join {{ ref('stg_stripe__products') }} as products on metered.product_id = products.product_id
