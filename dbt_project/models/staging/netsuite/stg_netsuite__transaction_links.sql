select
    previousdoc as previous_transaction_id,
    previousline as previous_line_id,
    nextdoc as next_transaction_id,
    nextline as next_line_id,
    cast(foreignamount as decimal(28, 8)) as amount,
    lower(linktype) as link_type
from {{ source('netsuite', 'transaction_link') }}
