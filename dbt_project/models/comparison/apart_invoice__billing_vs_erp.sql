with copies as (
    select * from {{ ref('invoice_copies') }}
    where
        copy_role <> 'primary'
        or invoice_id in (select invoice_id from {{ ref('unlike_invoice__billing_vs_erp') }})
)

select
    'stripe:' || unlike.invoice_id as row_key,
    unlike.invoice_id as billing_id,
    copies.erp_internal_id as erp_id,
    copies.copy_role,
    cast(null as varchar) as duplicate_of,
    cast(null as varchar) as duplicate_basis
from {{ ref('unlike_invoice__billing_vs_erp') }} as unlike
left join copies on unlike.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
union all
select
    'netsuite:' || erp_internal_id,
    null,
    erp_internal_id,
    copy_role,
    duplicate_of,
    duplicate_basis
from copies
where copy_role <> 'primary'
