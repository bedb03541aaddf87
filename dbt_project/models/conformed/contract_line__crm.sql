with lines as (
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
        case lines.price_period when 'year' then 12 else 1 end as period_months
    from {{ ref('stg_salesforce__contract_lines') }} as lines
    left join {{ ref('stg_salesforce__products') }} as products on lines.product_id = products.product_id
    left join {{ ref('currencies') }} as currencies on lines.currency = currencies.currency
),

monthly as (
    select
        *,
        {{ exact_ratio('unit_period_minor', 'period_months') }} as unit_mrr_minor
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
    currency,
    unit_mrr_minor,
    modified_at,
    {{ fingerprint([
        'contract_id', 'product_code', 'quantity', 'unit_mrr_minor', 'start_date', 'end_date',
        'currency',
    ]) }} as fingerprint
from monthly
