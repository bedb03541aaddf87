-- Lines of the payment provider; other lines of a statement are no payouts.
select
    movement_key as item_id,
    currency,
    amount_minor,
    booking_date as item_date,
    'stripe' as party,
    reference_keys,
    {{ list_of([]) }} as document_numbers,
    {{ list_of(['cast(booking_date as varchar)']) }} as group_keys
from {{ ref('bank_movements') }}
where is_processor
