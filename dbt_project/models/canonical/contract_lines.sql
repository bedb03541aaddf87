with dated as (
    select
        lines.contract_line_id,
        lines.contract_id,
        contracts.canonical_customer_id,
        contracts.correlation_id,
        lines.product_code,
        lines.quantity,
        lines.unit_mrr_minor,
        lines.discount_percent,
        lines.currency,
        coalesce(lines.start_date, contracts.start_date) as start_date,
        coalesce(lines.end_date, contracts.end_date) as end_date,
        lines.is_co_termed,
        lines.effective_at,
        legal_entities.time_zone
    from {{ ref('contract_line__crm') }} as lines
    left join {{ ref('contract__crm') }} as contracts on lines.contract_id = contracts.contract_id
    left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
),

broken as (
    -- a line that does not begin on the day after the one before it begins a chain of its own
    select
        *,
        case
            when {{ days_between(
                'lag(end_date) over (partition by contract_id, product_code order by start_date, contract_line_id)',
                'start_date'
            ) }} = 1 then 0
            else 1
        end as starts_chain
    from dated
),

chained as (
    select
        *,
        sum(starts_chain) over (
            partition by contract_id, product_code order by start_date, contract_line_id
            rows between unbounded preceding and current row
        ) as chain
    from broken
),

counted as (
    select
        *,
        row_number() over (
            partition by contract_id, product_code, chain order by start_date, contract_line_id
        ) as place,
        count(*) over (partition by contract_id, product_code, chain) as chain_length
    from chained
)

select
    contract_line_id,
    contract_id,
    canonical_customer_id,
    correlation_id,
    product_code,
    quantity,
    unit_mrr_minor,
    discount_percent,
    currency,
    start_date,
    end_date,
    is_co_termed,
    case when chain_length > 1 then place end as ramp_step,
    case when chain_length > 1 then chain_length end as ramp_step_count,
    -- the day in the legal entity's calendar up to which billing was read
    {{ when_read('as_of_date', local_date('{stripe subscription}', '{time_zone}'), time_zone='time_zone') }},
    -- billing can follow a change once it is signed and its first day has come
    greatest(effective_at, {{ local_midnight('start_date', 'time_zone') }}) as effective_at
from counted
