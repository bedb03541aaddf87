select
    id as exchange_rate_id,
    basecurrency as base_currency_id,
    transactioncurrency as transaction_currency_id,
    cast(effectivedate as date) as effective_date,
    cast(exchangerate as decimal(28, 14)) as rate
from {{ source('netsuite', 'exchange_rate') }}
