with highest as (
    select
        canonical_customer_id,
        ancestor_customer_id,
        distance,
        path,
        row_number() over (partition by canonical_customer_id order by distance desc) as preference
    from {{ ref('customer_ancestors') }}
),

tops as (
    -- where the way up ended, and who would have come next: nobody (a root), a customer below (a cycle), or a further one
    select
        highest.canonical_customer_id,
        highest.ancestor_customer_id,
        highest.distance,
        highest.path,
        parents.parent_customer_id as next_customer_id,
        coalesce(
            instr(highest.path, '/' || parents.parent_customer_id || '/') > 0, false
        ) as is_cyclic
    from highest
    left join {{ ref('customer_parents') }} as parents
        on highest.ancestor_customer_id = parents.canonical_customer_id
    where highest.preference = 1
),

rings as (
    -- a ring has no top: its least id stands for it, the same for every customer in it or below it
    select
        tops.canonical_customer_id,
        min(members.ancestor_customer_id) as ring_id
    from tops
    inner join {{ ref('customer_ancestors') }} as entries
        on
            tops.canonical_customer_id = entries.canonical_customer_id
            and tops.next_customer_id = entries.ancestor_customer_id
    inner join {{ ref('customer_ancestors') }} as members
        on
            tops.canonical_customer_id = members.canonical_customer_id
            and entries.distance <= members.distance
    where tops.is_cyclic
    group by tops.canonical_customer_id
)

select
    tops.canonical_customer_id,
    parents.parent_customer_id,
    coalesce(rings.ring_id, tops.ancestor_customer_id) as ultimate_parent_customer_id,
    tops.distance as depth,
    tops.path,
    tops.is_cyclic,
    not tops.is_cyclic and tops.next_customer_id is not null as is_truncated,
    parents.parent_role,
    parents.crm_parent_customer_id,
    parents.erp_parent_customer_id
from tops
left join {{ ref('customer_parents') }} as parents on tops.canonical_customer_id = parents.canonical_customer_id
left join rings on tops.canonical_customer_id = rings.canonical_customer_id
