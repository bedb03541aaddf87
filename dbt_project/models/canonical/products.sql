with records as (
    select *, 1 as owner_rank, 'crm' as role from {{ ref('product__crm') }}
    union all
    select *, 2 as owner_rank, 'billing' as role from {{ ref('product__billing') }}
    union all
    select *, 3 as owner_rank, 'erp' as role from {{ ref('product__erp') }}
)

select
    product_code,
    arg_min(name, owner_rank) as name,
    max(product_family) as product_family,
    bool_or(is_active) as is_active,
    -- a retired record must not hide the one in use
    arg_min(source_id, source_id) filter (where role = 'crm' and is_active) as crm_product_id,
    arg_min(source_id, source_id) filter (where role = 'billing' and is_active) as billing_product_id,
    arg_min(source_id, source_id) filter (where role = 'erp' and is_active) as erp_item_id
from records
where product_code is not null
group by product_code
