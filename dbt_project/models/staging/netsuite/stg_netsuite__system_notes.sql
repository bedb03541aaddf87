select
    id as note_id,
    recordid as transaction_id,
    lineid as line_id,
    field,
    nullif(oldvalue, '') as old_value,
    nullif(newvalue, '') as new_value,
    name as user_id,
    cast(date as timestamp) as noted_at
from {{ source('netsuite', 'system_note') }}
