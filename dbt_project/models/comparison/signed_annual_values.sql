-- What each line of a signed contract comes to in a year: at its price, as the CRM can add it up, and net of discounts and
-- tiers. Of each product of a contract the lines in force, or else those that begin next.
with lines as (
    select
        lines.contract_line_id,
        lines.contract_id,
        contracts.account_id,
        contracts.canonical_customer_id,
        contracts.legal_entity,
        lines.product_code,
        lines.currency,
        lines.start_date,
        lines.end_date,
        greatest(contracts.signed_at, agreed.effective_at) as signed_at,
        agreed.unit_price * currencies.minor_per_unit * lines.quantity
        * case agreed.price_period when 'year' then 1 else 12 end as listed_minor,
        12 * lines.unit_mrr_minor * lines.quantity as net_minor,
        {{ local_date(watermark('salesforce', 'contract_line'), 'legal_entities.time_zone') }} as as_of_date
    from {{ ref('contract_lines') }} as lines
    inner join {{ ref('contract_line__crm') }} as agreed on lines.contract_line_id = agreed.contract_line_id
    inner join {{ ref('contracts') }} as contracts on lines.contract_id = contracts.contract_id
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
    left join {{ ref('currencies') }} as currencies on lines.currency = currencies.currency
    where contracts.status = 'activated'
),

running as (
    select
        *,
        min(start_date) over (partition by contract_id, coalesce(product_code, contract_line_id)) as first_date
    from lines
    where end_date >= as_of_date
)

select
    contract_line_id,
    contract_id,
    account_id,
    canonical_customer_id,
    legal_entity,
    currency,
    signed_at,
    start_date <= as_of_date as is_in_force,
    {{ whole_minor('listed_minor') }} as listed_arr_minor,
    {{ whole_minor('net_minor') }} as net_arr_minor
from running
where start_date <= greatest(first_date, as_of_date)
