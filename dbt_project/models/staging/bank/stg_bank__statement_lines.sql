select
    id as line_id,
    statement_id,
    account,
    currency,
    cast(booking_date as date) as booking_date,
    cast(value_date as date) as value_date,
    cast(amount as decimal(28, 8)) as amount,
    reference,
    counterparty,
    text as remittance_text,
    file,
    {{ adapter.quote("row") }} as row_number
from {{ source('bank', 'statement_line') }}
