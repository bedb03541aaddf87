select
    id as accounting_book_id,
    name,
    isprimary = 'T' as is_primary,
    basebook as base_book_id
from {{ source('netsuite', 'accounting_book') }}
