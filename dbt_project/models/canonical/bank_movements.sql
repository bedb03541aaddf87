select
    line_id as movement_key,
    statement_id,
    account,
    currency,
    booking_date,
    value_date,
    {{ accounting_period('booking_date') }} as period,
    amount_minor,
    is_processor,
    reference_keys
from {{ ref('statement_line__bank') }}
