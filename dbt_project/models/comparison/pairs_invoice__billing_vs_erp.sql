{{ config(materialized='view') }}

select
    'stripe:' || billing.invoice_id as row_key,
    billing.invoice_id as billing_id,
    copies.erp_internal_id as erp_id,
    true as has_billing,
    copies.erp_internal_id is not null as has_erp
from {{ ref('invoice__billing') }} as billing
left join {{ ref('invoice_copies') }} as copies
    on billing.invoice_id = copies.invoice_id and copies.copy_role = 'primary'
union all
select
    'netsuite:' || erp_internal_id,
    null,
    erp_internal_id,
    false,
    true
from {{ ref('invoice_copies') }}
where copy_role <> 'primary'
