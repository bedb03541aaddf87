with records as (
    select
        source_id, product_code, name, product_family, is_active, null as revenue_account, null as deferred_account,
        1 as owner_rank, 'crm' as role
    from {{ ref('product__crm') }}
    union all
    select source_id, product_code, name, product_family, is_active, null, null, 2, 'billing'
    from {{ ref('product__billing') }}
    union all
    select source_id, product_code, name, product_family, is_active, revenue_account, deferred_account, 3, 'erp'
    from {{ ref('product__erp') }}
)

select
    product_code,
    arg_min(name, owner_rank) as name,
    max(product_family) as product_family,
    bool_or(is_active) as is_active,
    -- of several items of the ERP the one in use
    arg_min(revenue_account, source_id) filter (where role = 'erp' and is_active) as revenue_account,
    arg_min(deferred_account, source_id) filter (where role = 'erp' and is_active) as deferred_account,
    -- a retired record must not hide the one in use
    arg_min(source_id, source_id) filter (where role = 'crm' and is_active) as crm_product_id,
    arg_min(source_id, source_id) filter (where role = 'billing' and is_active) as billing_product_id,
    arg_min(source_id, source_id) filter (where role = 'erp' and is_active) as erp_item_id
from records
where product_code is not null
group by product_code
