select
    id as usage_id,
    meter as meter_id,
    customer as customer_id,
    cast(aggregated_value as decimal(28, 12)) as quantity,
    {{ from_unix('start_time') }} as used_from_at,
    {{ from_unix('end_time') }} as used_until_at,
    cast({{ from_unix('start_time') }} as date) as usage_date,
    -- each reading tells a whole day, by a nought where nothing is left of it; where its periods end elsewhere than they did,
    -- in other parts
    cast(aggregated_value as decimal(28, 12)) <> 0
    and _extracted_date = max(_extracted_date) over (
        partition by meter, customer, cast({{ from_unix('start_time') }} as date)
    ) as is_last_reading
from {{ source('stripe', 'usage') }}
