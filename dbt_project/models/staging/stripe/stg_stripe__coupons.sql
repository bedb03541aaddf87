select
    id as coupon_id,
    name,
    cast(percent_off as decimal(9, 4)) as percent_off,
    amount_off as amount_off_minor,
    upper(currency) as currency,
    duration,
    duration_in_months,
    {{ from_unix('redeem_by') }} as redeem_by_at,
    valid as is_valid,
    {{ from_unix('created') }} as created_at
from {{ source('stripe', 'coupon') }}
