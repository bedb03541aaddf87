-- Every canonical customer has one place in the tree, and every parent that an identified record names is kept as its role's,
-- unless it is another record of the same customer.
with missing_places as (
    select customers.canonical_customer_id, 'no place in the tree' as what
    from {{ ref('customers') }} as customers
    left join {{ ref('customer_hierarchy') }} as hierarchy
        on customers.canonical_customer_id = hierarchy.canonical_customer_id
    where hierarchy.canonical_customer_id is null
),

named as (
    select links.canonical_customer_id, 'crm' as role
    from {{ ref('stg_salesforce__accounts') }} as accounts
    inner join {{ ref('customer_links') }} as links
        on links.system = 'salesforce' and accounts.account_id = links.source_id
    inner join {{ ref('customer_links') }} as parents
        on parents.system = 'salesforce' and accounts.parent_account_id = parents.source_id
    where
        links.canonical_customer_id <> parents.canonical_customer_id
        or accounts.parent_account_id = accounts.account_id
    union distinct
    select links.canonical_customer_id, 'erp' as role
    from {{ ref('stg_netsuite__customers') }} as customers
    inner join {{ ref('customer_links') }} as links
        on links.system = 'netsuite' and customers.customer_id = links.source_id
    inner join {{ ref('customer_links') }} as parents
        on parents.system = 'netsuite' and customers.parent_customer_id = parents.source_id
    where
        links.canonical_customer_id <> parents.canonical_customer_id
        or customers.parent_customer_id = customers.customer_id
),

kept as (
    select canonical_customer_id, 'crm' as role
    from {{ ref('customer_parents') }} where crm_parent_customer_id is not null
    union all
    select canonical_customer_id, 'erp' as role
    from {{ ref('customer_parents') }} where erp_parent_customer_id is not null
)

select canonical_customer_id, what from missing_places
union all
select
    coalesce(named.canonical_customer_id, kept.canonical_customer_id) as canonical_customer_id,
    coalesce(named.role, kept.role) || ' parent' as what
from named
full outer join kept
    on named.canonical_customer_id = kept.canonical_customer_id and named.role = kept.role
where named.role is null or kept.role is null
