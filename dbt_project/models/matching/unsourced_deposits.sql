with copies as (
    select erp_internal_id from {{ ref('deposit_copies') }} where copy_role in ('manual', 'unsourced')
),

lines as (
    select
        erp_internal_id,
        {{ list_gathered('balance_transaction_id') }} as balance_transaction_ids
    from {{ ref('deposit_line__erp') }}
    where erp_internal_id in (select copies.erp_internal_id from copies)
    group by erp_internal_id
)

select
    deposits.erp_internal_id as item_id,
    deposits.currency,
    deposits.net_minor as amount_minor,
    deposits.deposit_date as item_date,
    'stripe' as party,
    coalesce({{ words_of('transactions.memo') }}, {{ list_of([]) }})
    || coalesce(lines.balance_transaction_ids, {{ list_of([]) }}) as reference_keys,
    {{ list_of([]) }} as document_numbers,
    {{ list_of(['cast(deposits.deposit_date as varchar)']) }} as group_keys
from {{ ref('deposit__erp') }} as deposits
inner join copies on deposits.erp_internal_id = copies.erp_internal_id
left join {{ ref('stg_netsuite__transactions') }} as transactions
    on deposits.erp_internal_id = transactions.transaction_id
left join lines on deposits.erp_internal_id = lines.erp_internal_id
