select
    id as statement_id,
    account,
    number,
    currency,
    cast(from_date as date) as from_date,
    cast(to_date as date) as to_date,
    cast(opening_balance as decimal(28, 8)) as opening_balance,
    cast(closing_balance as decimal(28, 8)) as closing_balance,
    file
from {{ source('bank', 'statement') }}
