-- What changed monthly recurring revenue, one row per subscription and month in which it moved.
select
    mrr_month_key,
    subscription_id,
    period,
    canonical_customer_id,
    contract_id,
    legal_entity,
    currency,
    movement,
    opening_minor,
    closing_minor - opening_minor as movement_minor,
    closing_minor,
    12 * (closing_minor - opening_minor) as arr_movement_minor
from {{ ref('mrr_months') }}
where movement <> 'none'
