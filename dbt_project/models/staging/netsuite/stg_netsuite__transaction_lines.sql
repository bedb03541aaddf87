select
    transaction as transaction_id,
    id as line_id,
    coalesce(mainline, 'F') = 'T' as is_main_line,
    coalesce(taxline, 'F') = 'T' as is_tax_line,
    item as item_id,
    cast(quantity as decimal(18, 4)) as quantity,
    cast(foreignamount as decimal(28, 8)) as amount,
    subsidiary as subsidiary_id,
    taxcode as tax_code_id,
    nullif(custcol_stripe_line_id, '') as stripe_line_id,
    nullif(custcol_stripe_balance_id, '') as stripe_balance_transaction_id,
    cast(custcol_rev_start as date) as service_start_date,
    cast(custcol_rev_end as date) as service_end_date,
    memo
from {{ source('netsuite', 'transaction_line') }}
