-- The parent that counts is that of the role which owns the tree by the matrix, the other role's where the owner names none.
with records as (
    select *, 'crm' as role from {{ ref('customer_parent__crm') }}
    union all
    select *, 'erp' as role from {{ ref('customer_parent__erp') }}
),

owners as (
    select max(owner) as owner
    from {{ ref('attribute_owners') }}
    where entity = 'customer_hierarchy' and attribute = 'parent'
),

ranked as (
    -- of several records of one customer in a role the primary one decides, then the one with the least id; one that
    -- is its own parent comes last, and one that hangs below another record of the same customer tells nothing
    select
        records.*,
        row_number() over (
            partition by records.canonical_customer_id, records.role
            order by
                case when records.parent_customer_id = records.canonical_customer_id then 1 else 0 end,
                records.is_primary desc,
                records.source_id
        ) as preference
    from records
    where
        records.canonical_customer_id is not null
        and records.parent_customer_id is not null
        and (records.parent_customer_id <> records.canonical_customer_id or records.parent_source_id = records.source_id)
),

named as (
    select
        canonical_customer_id,
        max(case when role = 'crm' then parent_customer_id end) as crm_parent_customer_id,
        max(case when role = 'erp' then parent_customer_id end) as erp_parent_customer_id,
        max(case when role = 'crm' then source_id end) as crm_account_id,
        max(case when role = 'erp' then source_id end) as erp_customer_id,
        max(modified_at) as modified_at
    from ranked
    where preference = 1
    group by canonical_customer_id
)

select
    named.canonical_customer_id,
    case
        when owners.owner = 'erp' then coalesce(named.erp_parent_customer_id, named.crm_parent_customer_id)
        else coalesce(named.crm_parent_customer_id, named.erp_parent_customer_id)
    end as parent_customer_id,
    case
        when owners.owner = 'erp' and named.erp_parent_customer_id is not null then 'erp'
        when named.crm_parent_customer_id is not null then 'crm'
        else 'erp'
    end as parent_role,
    named.crm_parent_customer_id,
    named.erp_parent_customer_id,
    named.crm_account_id,
    named.erp_customer_id,
    named.modified_at
from named
cross join owners
