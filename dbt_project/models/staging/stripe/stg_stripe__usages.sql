select
    id as usage_id,
    meter as meter_id,
    customer as customer_id,
    cast(aggregated_value as decimal(28, 12)) as quantity,
    {{ from_unix('start_time') }} as used_from_at,
    {{ from_unix('end_time') }} as used_until_at,
    cast({{ from_unix('start_time') }} as date) as usage_date
from {{ source('stripe', 'usage') }}
