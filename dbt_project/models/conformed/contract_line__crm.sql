with tiers as (
    -- the price book in use says what a product that is sold by tiers costs, before discount
    select tiers.*
    from {{ ref('price_tier__crm') }} as tiers
    inner join {{ ref('stg_salesforce__pricebook_entries') }} as entries
        on tiers.price_id = entries.pricebook_entry_id
    where entries.is_active
),

agreed as (
    -- as it was when the line took effect: the first version that is known where it did before, the last where it does not say
    select
        lines.contract_line_id,
        tiers.price_id,
        coalesce(
            max(case when coalesce(lines.effective_at >= tiers.valid_from, true) then tiers.version_number end),
            min(tiers.version_number)
        ) as version_number
    from {{ ref('stg_salesforce__contract_lines') }} as lines
    inner join {{ ref('stg_salesforce__products') }} as products on lines.product_id = products.product_id
    inner join tiers on products.product_code = tiers.product_code and lines.currency = tiers.currency
    where lines.pricing_model = 'graduated'
    group by lines.contract_line_id, tiers.price_id
),

tiered as (
    select
        lines.contract_line_id,
        sum({{ tier_amount(
            'lines.quantity', 'tiers.tiers_mode', 'tiers.lower_bound', 'tiers.up_to', 'tiers.unit_amount_minor',
            'tiers.flat_amount_minor'
        ) }}) as month_minor
    from {{ ref('stg_salesforce__contract_lines') }} as lines
    inner join agreed on lines.contract_line_id = agreed.contract_line_id
    inner join tiers on agreed.price_id = tiers.price_id and agreed.version_number = tiers.version_number
    group by lines.contract_line_id
),

lines as (
    select
        lines.contract_line_id,
        lines.contract_id,
        products.product_code,
        lines.quantity,
        lines.unit_price,
        lines.price_period,
        lines.discount_percent,
        lines.start_date,
        lines.end_date,
        lines.effective_at,
        lines.is_co_termed,
        lines.currency,
        lines.modified_at,
        -- price of one unit and price period, net of discount, in minor units
        lines.unit_price * currencies.minor_per_unit * (100 - lines.discount_percent) * 0.01 as unit_period_minor,
        case lines.price_period when 'year' then 12 else 1 end as period_months,
        coalesce(lines.pricing_model, 'per_unit') as pricing_model,
        cast(tiered.month_minor as decimal(28, 12)) * (100 - lines.discount_percent) * 0.01 as tiered_month_minor
    from {{ ref('stg_salesforce__contract_lines') }} as lines
    left join {{ ref('stg_salesforce__products') }} as products on lines.product_id = products.product_id
    left join {{ ref('currencies') }} as currencies on lines.currency = currencies.currency
    left join tiered on lines.contract_line_id = tiered.contract_line_id
),

monthly as (
    select
        *,
        -- by tiers the price of a unit is the average over all units
        case
            when pricing_model = 'graduated' then {{ exact_ratio('tiered_month_minor', 'quantity') }}
            else {{ exact_ratio('unit_period_minor', 'period_months') }}
        end as unit_mrr_minor
    from lines
)

select
    contract_line_id as source_id,
    'salesforce' as source_system,
    contract_line_id,
    contract_id,
    product_code,
    quantity,
    unit_price,
    price_period,
    discount_percent,
    start_date,
    end_date,
    effective_at,
    is_co_termed,
    pricing_model,
    currency,
    unit_mrr_minor,
    modified_at,
    {{ fingerprint([
        'contract_id', 'product_code', 'quantity', 'unit_mrr_minor', 'start_date', 'end_date',
        'currency',
    ]) }} as fingerprint
from monthly
