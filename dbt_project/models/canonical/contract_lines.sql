select
    lines.contract_line_id,
    lines.contract_id,
    contracts.canonical_customer_id,
    contracts.correlation_id,
    lines.product_code,
    lines.quantity,
    lines.unit_mrr_minor,
    lines.currency,
    coalesce(lines.start_date, contracts.start_date) as start_date,
    coalesce(lines.end_date, contracts.end_date) as end_date,
    -- the day in the legal entity's calendar up to which billing was read
    {{ local_date(watermark('stripe', 'subscription'), 'legal_entities.time_zone') }} as as_of_date,
    -- billing can follow a change once it is signed and its first day has come
    greatest(
        lines.effective_at,
        {{ local_midnight('coalesce(lines.start_date, contracts.start_date)', 'legal_entities.time_zone') }}
    ) as effective_at
from {{ ref('contract_line__crm') }} as lines
left join {{ ref('contract__crm') }} as contracts on lines.contract_id = contracts.contract_id
left join {{ ref('legal_entities') }} as legal_entities on contracts.legal_entity = legal_entities.legal_entity
