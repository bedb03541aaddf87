{{ config(materialized='table') }}

with copies as (
    select * from {{ ref('invoice_copies') }}
    where
        copy_role <> 'primary'
        or invoice_id in (select billing_id from {{ ref('folded_invoice__billing_vs_erp') }} where not is_alike)
)

select
    folded.row_key,
    folded.billing_id,
    copies.erp_internal_id as erp_id,
    copies.copy_role,
    cast(null as varchar) as duplicate_of,
    cast(null as varchar) as duplicate_basis
from {{ ref('folded_invoice__billing_vs_erp') }} as folded
left join copies on folded.billing_id = copies.invoice_id and copies.copy_role = 'primary'
where not folded.is_alike
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
